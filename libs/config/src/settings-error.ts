export interface SettingProblem {
  env: string;
  /** As it was given; `(hidden)` for secrets. */
  value: string;
  expected: string;
}

/** The environment holds values that cannot be used. Lists all of them. */
export class SettingsError extends Error {
  readonly code = 'SETTINGS_INVALID';
  readonly retry = 'never';

  constructor(readonly problems: readonly SettingProblem[]) {
    super(
      problems
        .map((problem) => `${problem.env} is ${JSON.stringify(problem.value)}: expected ${problem.expected}`)
        .join('\n'),
    );
    this.name = 'SettingsError';
  }
}
