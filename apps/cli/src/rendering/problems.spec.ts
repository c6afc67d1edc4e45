import { renderTextProblem } from './problems.ts';

describe('a problem of a plan text', () => {
  const problem = { message: 'no step is named "lnit"', path: 'steps[0].needs[0]', line: 3, column: 5 };

  it('begins with its place, as compilers write it', () => {
    expect(renderTextProblem('plans/plan.yaml', { ...problem, hint: 'did you mean "lint"?' })).toBe(
      'plans/plan.yaml:3:5: steps[0].needs[0]: no step is named "lnit" (did you mean "lint"?)',
    );
  });

  it('of a file of templates names that file, where it is from here', () => {
    const inFile = { ...problem, path: 'templates.a.needs[0]', file: 'shared/parts.yaml' };
    expect(renderTextProblem('plans/plan.yaml', inFile)).toMatch(
      /^plans\/shared\/parts\.yaml:3:5: templates\.a/,
    );
    expect(renderTextProblem('plan.yaml', inFile)).toMatch(/^shared\/parts\.yaml:3:5: /);
  });
});
