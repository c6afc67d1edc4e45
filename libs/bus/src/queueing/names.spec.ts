import { Subjects } from '#contracts';
import { systemClock } from '../leasing/clock.ts';
import { generationOf, jobStreamName, newGeneration } from './generation.ts';
import { parseJobSubject } from './job-key.ts';

const now = { clock: systemClock, random: Math.random };

describe('names of jobs and streams', () => {
  const subjects = new Subjects('fleet');
  const key = { pool: 'default', planId: 'plan0001', ordinal: 17, epoch: 3 };

  it('reads a job’s subject back, of other versions too', () => {
    expect(parseJobSubject(subjects, subjects.job(key))).toEqual({ ...key, version: 'v1' });
    expect(parseJobSubject(subjects, 'fleet.jobs.v2.default.plan0001.s17.3')).toMatchObject({
      version: 'v2',
    });
  });

  it.each([
    'other.jobs.v1.default.plan0001.s17.3',
    'fleet.dead.plan0001.s17',
    'fleet.jobs.v1.default.plan0001.17.3',
    'fleet.jobs.v1.default.plan0001.s17.x',
    'fleet.jobs.v1.default.plan0001.s17.3.more',
    'fleet.jobs.v1.default.plan0001.s17',
    'fleet.jobs.v1..plan0001.s17.3',
  ])('takes %s for no job', (subject) => {
    expect(parseJobSubject(subjects, subject)).toBeNull();
  });

  it('knows its own streams by name and metadata, and no neighbour’s', () => {
    const generation = newGeneration(now);
    const metadata = { 'skein-namespace': 'fleet' };
    const name = jobStreamName('fleet', generation);
    expect(generationOf('fleet', { name, metadata })).toBe(generation);
    expect(generationOf('fleet', { name })).toBeNull();
    expect(generationOf('fleet', { name, metadata: { 'skein-namespace': 'fleet-jobs' } })).toBeNull();
    expect(generationOf('fleet', { name: 'fleet-jobs-x-jobs-1', metadata })).toBeNull();
  });

  it('gives later generations greater names', async () => {
    const earlier = newGeneration(now);
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(newGeneration(now) > earlier).toBe(true);
  });
});
