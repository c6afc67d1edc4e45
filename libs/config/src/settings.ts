import { maskPasswords } from '#domain';
import { declared, stepPath } from './declared.ts';
import { type Environment, given, type Setting } from './setting.ts';
import { type SettingProblem, SettingsError } from './settings-error.ts';

type ValueOf<S> = S extends Setting<infer T> ? T : never;
type Declared = typeof declared;

/** Everything that was set, validated, with defaults filled in. Handed to components as plain constructor options. */
export type Settings = {
  readonly [G in keyof Declared]: { readonly [K in keyof Declared[G]]: ValueOf<Declared[G][K]> };
};

/** Pure: the same environment gives the same settings. All that is wrong is reported at once. */
export function loadSettings(env: Environment = process.env): Settings {
  const problems: SettingProblem[] = [];
  const groups = Object.entries(declared).map(([group, settings]) => [
    group,
    Object.fromEntries(
      Object.entries(settings as Record<string, Setting<unknown>>).map(([key, one]) => [
        key,
        readSetting(one, env, problems),
      ]),
    ),
  ]);
  readSetting(stepPath, env, problems);
  if (problems.length > 0) throw new SettingsError(problems);
  return Object.fromEntries(groups) as Settings;
}

function readSetting<T>(one: Setting<T>, env: Environment, problems: SettingProblem[]): T | undefined {
  const text = given(env, one.env);
  if (text === null) return one.default(env);
  const read = one.kind.schema.safeParse(text);
  if (read.success) return read.data;
  problems.push({
    env: one.env,
    value: one.secret ? '(hidden)' : maskPasswords(text).slice(0, 200),
    expected: read.error.issues.map(({ message }) => message.replace(/^expected /, '')).join('; '),
  });
  return undefined;
}

/** Every setting in the order of the documentation, with the dotted name that `Settings` has for it. */
export function declaredSettings(): { name: string; setting: Setting<unknown> }[] {
  const grouped = Object.entries(declared).flatMap(([group, settings]) =>
    Object.entries(settings as Record<string, Setting<unknown>>).map(([key, one]) => ({
      name: `${group}.${key}`,
      setting: one,
    })),
  );
  return [...grouped, { name: 'step.path', setting: stepPath }];
}
