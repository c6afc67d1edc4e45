import { formatOrdinal } from '#domain';
import type { CommandReply, PlanCommands } from '../commands/plan-commands.ts';
import { DeadLettersController } from './dead-letters.controller.ts';
import { redriveBody } from './operator-bodies.ts';
import type { PlanReader } from './plan-reader.ts';

const SENT = { traceparent: undefined, 'x-skein-actor': 'ann' };
const APPLIED: CommandReply = { status: 'decided', reply: { status: 'applied', next: 'stop' } };
const NOBODY: CommandReply = { status: 'unavailable', code: 'no-decider', reason: 'nobody decides' };
const WEEK_MS = 7 * 24 * 60 * 60_000;

function redriving(letters: number, answer: (index: number) => CommandReply | Promise<CommandReply>) {
  const deadLetters = Array.from({ length: letters }, (_, index) => ({
    planId: 'plan00000000',
    ordinal: formatOrdinal(index),
    name: `step ${index}`,
  }));
  const reader = {
    deadLetters: () => Promise.resolve({ deadLetters, nextCursor: null }),
    lastRedriveAt: () => Promise.resolve(null),
  };
  let asked = 0;
  const commands = { execute: () => Promise.resolve(answer(asked++)) };
  const controller = new DeadLettersController(
    commands as unknown as PlanCommands,
    reader as unknown as PlanReader,
  );
  return {
    asked: () => asked,
    ask: (ratePerMinute?: number) =>
      controller.redrive({ all: true, limit: 500, ...(ratePerMinute && { ratePerMinute }) }, SENT),
  };
}

describe('a redrive of many', () => {
  it('puts nothing off for more than a week, and says that there are more', async () => {
    const { ask, asked } = redriving(200, () => APPLIED);
    const { redriven, more, stopped } = await ask(0.01);
    // One each 100 minutes.
    expect([redriven.length, asked(), more, stopped?.code]).toEqual([100, 100, true, 'redrive-full']);
    expect(Date.parse(redriven.at(-1)!.notBefore!) - Date.now()).toBeLessThanOrEqual(WEEK_MS);
  });

  it('carries out one at a time, and refuses another one meanwhile', async () => {
    let go: () => void = () => undefined;
    const gone = new Promise<CommandReply>((resolve) => (go = () => resolve(APPLIED)));
    const { ask } = redriving(1, () => gone);
    const first = ask();
    await expect(ask()).rejects.toMatchObject({ status: 429, code: 'redrive-busy' });
    go();
    expect((await first).redriven).toHaveLength(1);
    expect((await ask()).redriven).toHaveLength(1);
  });

  it('that nobody decides on any more tells what was done before, and that there are more', async () => {
    const { ask, asked } = redriving(5, (index) => (index < 2 ? APPLIED : NOBODY));
    const { redriven, more, nextCursor, stopped } = await ask();
    expect([redriven.length, asked(), more, nextCursor, stopped?.code]).toEqual([
      2,
      3,
      true,
      null,
      'no-decider',
    ]);
    await expect(redriving(5, () => NOBODY).ask()).rejects.toMatchObject({ status: 503, code: 'no-decider' });
  });

  it('passes over what is no dead letter any more, and tells what cannot be redriven', async () => {
    const codes = ['step-open', 'step-not-failed', 'step-not-poisoned', 'plan-ended'];
    const { ask } = redriving(4, (index) => ({
      status: 'decided',
      reply: { status: 'refused', code: codes[index]!, reason: 'no' },
    }));
    const { redriven, passedOver, refused } = await ask(60);
    expect([redriven.length, passedOver.length, refused.map(({ ordinal }) => ordinal)]).toEqual([
      0,
      3,
      ['s3'],
    ]);
  });

  it('says what is wrong with its filter in words that no terminal obeys', () => {
    const { error } = redriveBody.safeParse({ filter: { '\u001b[2J': 'x' } });
    expect(error?.issues[0]?.message).toMatch(/^unknown key .*; expected "plan"/);
    expect(error?.issues[0]?.message).not.toMatch(/\p{Cc}/u);
  });
});
