import type { z } from 'zod';
import type { SinkSetting } from './sink-setting.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One thing that can be set: where it is read, what it may be, what it is without, and what it is for. */
export interface Setting<T> {
  env: string;
  /** Turns the text of the variable into the value. */
  kind: Kind<T>;
  default: (env: Environment) => T;
  /** The default as documentation words it; the real one may depend on the machine. */
  defaultText: string;
  meaning: string;
  secret: boolean;
}

/** A kind of value: how its text is read, and how a person is told what was expected. */
export interface Kind<T> {
  schema: z.ZodType<T, string>;
  expected: string;
}

interface SettingText<T> {
  env: string;
  meaning: string;
  default: T | ((env: Environment) => T);
  /** Needed where the default is computed. */
  defaultText?: string;
  secret?: boolean;
}

export function setting<T extends SettingValue>(kind: Kind<T>, text: SettingText<NoInfer<T>>): Setting<T> {
  const fallback = text.default;
  return {
    env: text.env,
    kind,
    default: typeof fallback === 'function' ? fallback : () => fallback,
    defaultText: text.defaultText ?? (typeof fallback === 'function' ? '' : wordDefault(fallback)),
    meaning: text.meaning,
    secret: text.secret ?? false,
  };
}

/** A setting that is null unless it is given. */
export function optional<T extends SettingValue>(
  kind: Kind<T>,
  text: Omit<SettingText<T>, 'default'>,
): Setting<T | null> {
  return setting<T | null>(kind, { defaultText: 'not set', ...text, default: null });
}

export type SettingValue =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | readonly SinkSetting[]
  | Readonly<Record<string, number>>;

function wordDefault(value: SettingValue): string {
  if (value === null) return 'not set';
  if (Array.isArray(value)) return value.length === 0 ? 'empty' : value.join(',');
  if (typeof value === 'object') return wordMap(value as Readonly<Record<string, number>>);
  return String(value);
}

function wordMap(map: Readonly<Record<string, number>>): string {
  return Object.entries(map)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
}

/** The variable's text; a variable that is set to nothing counts as not set. */
export function given(env: Environment, name: string): string | null {
  const text = env[name]?.trim();
  return text ? text : null;
}
