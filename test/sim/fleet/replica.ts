import { Bus, DeciderClient, DeciderLocator } from '#bus';
import { celExpressions } from '#contracts';
import {
  PlanCommands,
  type CommandReply,
  type Command,
} from '../../../apps/coordinator/src/commands/plan-commands.ts';
import { Decider } from '../../../apps/coordinator/src/deciding/decider.ts';
import { Elector } from '../../../apps/coordinator/src/deciding/elector.ts';
import { Process } from '../core/process.ts';
import type { PlannedProcess } from '../plans/planned-fleet.ts';
import { LedgerClient, TermsClient } from '../store/store-client.ts';
import { NAMESPACE, type Surroundings } from './surroundings.ts';

/** How long a standby asks around for a decider. */
const FORWARD_MS = 5_000;

/** A coordinator's process: everything that decides is the product's; REST, projections and the tail are left out. */
export class Replica {
  private constructor(
    readonly process: Process,
    readonly elector: Elector,
    private readonly bus: Bus,
    private readonly locator: DeciderLocator,
    private readonly commands: PlanCommands,
  ) {}

  /** `life`: how many processes of this name there were before. */
  static async start(around: Surroundings, planned: PlannedProcess, life: number): Promise<Replica> {
    const { world, chance, nats, postgres, scenario } = around;
    const name = `${planned.name}.${life}`;
    const process = new Process(world, name, { ...planned.drift }, chance.fork(name));
    const { clock, random } = process;
    const log = around.logOf(name);
    const identity = { namespace: NAMESPACE, name, log, clock, random };
    const bus = await Bus.over((await nats.connectWhenUp(process)).asNats, identity);
    const locator = new DeciderLocator({ bus }).start();
    const client = new DeciderClient({ bus, locator });
    const ledger = new LedgerClient(postgres, process);
    const commands: PlanCommands = new PlanCommands({
      elector: () => elector,
      client,
      log,
      forwardTimeoutMs: FORWARD_MS,
      clock,
    });
    const { caps, leaseMs, claimTimeoutMs, ttlMs } = scenario.settings;
    const elector: Elector = new Elector({
      terms: new TermsClient(postgres, process),
      holder: name,
      ttlMs,
      log,
      clock,
      build: (term, onDeposed) => {
        const decider = new Decider(
          term,
          {
            name,
            ledger,
            bus,
            clock,
            random,
            expressions: celExpressions,
            log,
            caps,
            pools: Object.keys(caps.pools),
            leaseMs,
            claimTimeoutMs,
            maxSteps: 1_000,
            trustedTenants: [],
            isSure: () => elector.isSure,
            page: (planId, seq) => renderPage(around, process, planId, seq),
            onCommand: (message, traceparent) => commands.executeForwarded(message, traceparent),
            onCommitted: () => undefined,
          },
          onDeposed,
        );
        return decider;
      },
    });
    elector.start();
    return new Replica(process, elector, bus, locator, commands);
  }

  get isUp(): boolean {
    return this.process.isAlive && !this.process.isStopped;
  }

  execute(command: Command): Promise<CommandReply> {
    return this.commands.execute(command, null);
  }

  /** SIGTERM. */
  async shutDown(): Promise<void> {
    await this.elector.stop();
    this.locator.stop();
    await this.bus.close();
  }
}

function renderPage(around: Surroundings, process: Process, planId: string, seq: number): Promise<string> {
  return new Promise((resolve, reject) => {
    process.after(around.chance.between(0, 20), () => {
      if (around.pageIsAway) reject(new Error(`plan ${planId} is not projected up to event ${seq} yet`));
      else resolve(`plan ${planId} at ${seq}`);
    });
  });
}
