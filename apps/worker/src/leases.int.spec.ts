import { eventually } from '#testing';
import { AFleet, agent, isRunning, runs } from '../../../test/worker/a-fleet.ts';

describe('leases of a worker', () => {
  let fleet: AFleet;

  afterEach(async () => {
    await fleet.stop();
  }, 60_000);

  /** Publishes a step whose program runs until it is stopped, and waits until it does. */
  async function longStep(mark: string, prelude = '') {
    const timeout = { attemptMs: 120_000, idleMs: 120_000 };
    const job = await fleet.publish(fleet.job(runs([`${prelude} exec sleep ${mark}`], { timeout })));
    await eventually(() => isRunning(`sleep ${mark}`), { timeoutMs: 20_000, what: 'the program to run' });
    return job;
  }

  it('a lost lease stops its program, leaves nothing and reports nothing', async () => {
    fleet = await AFleet.start({ leaseMs: 1_500 });
    const job = await longStep('71001', `(setsid sleep 71001 &);`);
    fleet.lost.add(job.ordinal);
    await eventually(() => !isRunning('sleep 71001'), {
      timeoutMs: 10_000,
      what: 'the program to be stopped',
    });
    await fleet.idle();
    expect(await fleet.leftovers()).toEqual([]);
    expect([...fleet.attempts, ...fleet.results, ...fleet.releases]).toEqual([]);
  }, 60_000);

  it('a signal of the decider stops a lease at once', async () => {
    fleet = await AFleet.start();
    const job = await longStep('71004');
    fleet.signalAbort(job);
    await eventually(() => !isRunning('sleep 71004'), {
      timeoutMs: 10_000,
      what: 'the program to be stopped',
    });
    await fleet.idle();
    expect(await fleet.leftovers()).toEqual([]);
    expect([...fleet.attempts, ...fleet.results, ...fleet.releases]).toEqual([]);
  }, 60_000);

  it('git that a step makes wait ends with the lease, too', async () => {
    fleet = await AFleet.start();
    // Git opens what is named .gitignore, and waits for somebody to write into the pipe.
    const job = await fleet.publish(fleet.job(runs(['mkfifo .gitignore'])));
    await eventually(
      () => isRunning(`--work-tree=${fleet.home.leasesDir}`) && isRunning('ls-files --others'),
      {
        timeoutMs: 20_000,
        what: 'git to wait',
      },
    );
    fleet.signalAbort(job);
    await fleet.idle();
    expect(isRunning(`--work-tree=${fleet.home.leasesDir}`)).toBe(false);
    expect(await fleet.leftovers()).toEqual([]);
    expect([...fleet.attempts, ...fleet.results, ...fleet.releases]).toEqual([]);
  }, 60_000);

  it('a claim that is answered with lost aborts work that began meanwhile', async () => {
    fleet = await AFleet.start();
    let refuse: () => void = () => undefined;
    const refused = new Promise<void>((resolve) => (refuse = resolve));
    fleet.answer = async (verb) => {
      if (verb !== 'claim') return undefined;
      await refused;
      return { status: 'lost', reason: 'another worker has it' };
    };
    await longStep('71002');
    refuse();
    await eventually(() => !isRunning('sleep 71002'), { timeoutMs: 10_000 });
    await fleet.idle();
    expect(await fleet.leftovers()).toEqual([]);
    expect([...fleet.attempts, ...fleet.results, ...fleet.releases]).toEqual([]);
  }, 60_000);

  it('an attempt that is answered with lost ends the loop', async () => {
    fleet = await AFleet.start();
    fleet.answer = (verb) => (verb === 'attempt' ? { status: 'lost', reason: 'epoch 1 is over' } : undefined);
    await fleet.publish(fleet.job(runs(['exit 1'])));
    await eventually(() => fleet.attempts.length === 1, { timeoutMs: 20_000 });
    await fleet.idle();
    expect(fleet.attempts).toHaveLength(1);
    expect([...fleet.results, ...fleet.releases]).toEqual([]);
    expect(await fleet.leftovers()).toEqual([]);
  }, 60_000);

  it('a draining worker lets work end in its grace', async () => {
    fleet = await AFleet.start({ drainGraceMs: 20_000 });
    const job = await fleet.publish(fleet.job(runs(['echo begun > src/a.js; sleep 1'])));
    await eventually(() => fleet.worker.transport.busy === 1);
    const drained = fleet.worker.drain();
    // Long before the next heartbeat is due: the decider plans without these slots at once.
    await eventually(() => fleet.drainingHeard, { timeoutMs: 800, what: 'the decider to hear of the drain' });
    await drained;
    expect(fleet.attemptsOf(job)).toMatchObject([{ verdict: 'accepted' }]);
    expect(fleet.releases).toEqual([]);
  }, 60_000);

  it('a draining worker hands back what does not end in its grace; the last attempt stays', async () => {
    fleet = await AFleet.start({ drainGraceMs: 1_000 });
    const command = 'if [ "$SKEIN_ATTEMPT" = 2 ]; then exec sleep 71003; fi; echo first > src/a.js';
    const job = await fleet.publish(fleet.job(agent(command, { verify: ['false'] })));
    await eventually(() => isRunning('sleep 71003'), { timeoutMs: 20_000 });
    await fleet.worker.drain();
    expect(isRunning('sleep 71003')).toBe(false);
    expect(fleet.releaseOf(job)).toMatchObject({ cause: 'draining', reason: { code: 'draining' } });
    expect(fleet.attemptsOf(job)).toHaveLength(1);
    expect(await fleet.leftovers()).toEqual([]);
    await fleet.queueIsEmpty();

    const [first] = fleet.attemptsOf(job);
    expect(await fleet.repo.show(first!.commit!.ref, 'src/a.js')).toBe('first\n');
  }, 60_000);

  it('the next lease of an agent goes on from the last attempt and is told what failed', async () => {
    fleet = await AFleet.start();
    fleet.attemptsMax = () => 1;
    const first = await fleet.run(agent('echo first > src/b.js', { attempts: 1, verify: ['false'] }));
    const [rejected] = fleet.attemptsOf(first);
    fleet.attemptsMax = () => 3;
    const next = await fleet.run(
      agent(
        'grep -q verify-failed "$SKEIN_FEEDBACK" && test "$(cat src/b.js)" = first && echo second > src/a.js',
        {
          attempt: 2,
          attempts: 2,
          previous: { commit: rejected!.commit, feedback: rejected!.feedback! },
        },
      ),
      { epoch: 2 },
    );
    expect(fleet.attemptsOf(next)).toMatchObject([
      { attempt: 2, verdict: 'accepted', diffstat: { files: 2 } },
    ]);
  }, 60_000);

  it('a commit of the attempt before that is gone: starts over, with its feedback, and says so', async () => {
    fleet = await AFleet.start();
    const gone = { sha: 'f'.repeat(40), ref: `refs/skein/${fleet.planId}/s1/1-${'0'.repeat(12)}/1` };
    const job = await fleet.run(
      agent('grep -q "try harder" "$SKEIN_FEEDBACK" && echo new > src/a.js', {
        attempt: 2,
        previous: { commit: gone, feedback: 'try harder' },
      }),
    );
    const [attempt] = fleet.attemptsOf(job);
    expect(attempt).toMatchObject({ attempt: 2, verdict: 'accepted' });
    expect(await fleet.log(attempt!.logKey)).toContain('could not be fetched');
  }, 60_000);

  it('an input that cannot be fetched is a fault, handed back', async () => {
    fleet = await AFleet.start();
    const commit = { sha: 'e'.repeat(40), ref: `refs/skein/${fleet.planId}/s1/1-${'0'.repeat(12)}/1` };
    const job = await fleet.run(runs(['true'], { inputs: [{ ordinal: 1, stepName: 'build', commit }] }));
    expect(fleet.releaseOf(job)).toMatchObject({ cause: 'fault', reason: { code: 'input-missing' } });
    expect(fleet.attemptsOf(job)).toEqual([]);
  }, 60_000);

  it('without a sandbox only a trusted plan runs, with a warning in its log', async () => {
    fleet = await AFleet.start({ sandbox: 'process' });
    const refused = await fleet.run(runs(['true']), { trusted: false });
    expect(fleet.resultOf(refused)).toMatchObject({ status: 'blocked', reason: { code: 'sandbox-missing' } });
    const required = await fleet.run(runs(['true']), { sandbox: 'required' });
    expect(fleet.resultOf(required)).toMatchObject({
      status: 'blocked',
      reason: { code: 'sandbox-missing' },
    });
    const trusted = await fleet.run(runs(['echo new > src/a.js']));
    expect(fleet.attemptsOf(trusted)).toMatchObject([{ verdict: 'accepted' }]);
    expect(await fleet.log(fleet.attemptsOf(trusted)[0]!.logKey)).toContain('No sandbox');
  }, 60_000);

  it('an artifact store that fails fails no attempt', async () => {
    fleet = await AFleet.start();
    const broken = () => Promise.reject(new Error('disk full'));
    fleet.artifacts.open = broken;
    fleet.artifacts.put = broken;
    const job = await fleet.run(runs(['echo new > src/a.js']));
    expect(fleet.attemptsOf(job)).toMatchObject([{ verdict: 'accepted', logKey: null, diffKey: null }]);
  }, 60_000);
});
