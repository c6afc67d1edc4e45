import { planIdFor } from './plan-commands.ts';

describe('the id of a plan', () => {
  it('follows from tenant and Idempotency-Key: who submits again gets the same plan', () => {
    expect(planIdFor('acme', 'key-1')).toBe(planIdFor('acme', 'key-1'));
    expect(planIdFor('acme', 'key-1')).toMatch(/^[0-9a-f]{20}$/);
  });

  it('is another one for another key, and for another tenant with the same key', () => {
    const ids = [planIdFor('acme', 'key-1'), planIdFor('acme', 'key-2'), planIdFor('globex', 'key-1')];
    expect(new Set(ids).size).toBe(3);
  });
});
