import { parsePlan } from '#contracts';
import { demoPlanText } from './demo-plan.ts';

describe("the demo's plan", () => {
  it('is valid, and has a fan-out, a codemod, an agent and a fan-in', () => {
    const parsed = parsePlan(demoPlanText({ sabotage: false }));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const kinds = parsed.definition.steps.map(({ work }) => work.kind);
    expect(new Set(kinds)).toEqual(new Set(['run', 'codemod', 'agent']));
    expect(parsed.definition.steps.some(({ matrix }) => matrix?.kind === 'glob')).toBe(true);
    expect(parsed.definition.steps.some(({ needs }) => needs.length > 1)).toBe(true);
  });

  it('names a real agent, which sabotage makes deaf', () => {
    const deaf = demoPlanText({ sabotage: true });
    expect(deaf).toContain('AGENT_IGNORES_FEEDBACK=1 node ');
    expect(demoPlanText({ sabotage: false })).not.toContain('IGNORES');
    expect(deaf).not.toContain('command: node "$DEMO_AGENT"');
  });
});
