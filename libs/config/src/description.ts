import { distance } from 'fastest-levenshtein';
import { type Environment, given } from './setting.ts';
import { declaredSettings, loadSettings } from './settings.ts';

export interface SettingDescription {
  name: string;
  env: string;
  default: string;
  meaning: string;
  secret: boolean;
}

/** Every setting for people: `skein config` and docs/configuration.md. */
export function describeSettings(): SettingDescription[] {
  return declaredSettings().map(({ name, setting }) => ({
    name,
    env: setting.env,
    default: setting.defaultText,
    meaning: setting.meaning,
    secret: setting.secret,
  }));
}

export interface SettingState extends SettingDescription {
  /** What is in force; the passwords of secrets are left out. */
  value: string;
  from: 'environment' | 'default';
}

/** The descriptions with the values in force. Throws SettingsError like `loadSettings`. */
export function showSettings(env: Environment = process.env): SettingState[] {
  loadSettings(env);
  return declaredSettings().map(({ setting }, index) => {
    const text = given(env, setting.env);
    const value = text === null ? wordValue(setting.default(env)) : setting.secret ? '(set)' : text;
    return { ...describeSettings()[index]!, value, from: text === null ? 'default' : 'environment' };
  });
}

/** Variables that look like ours but are none: a typing mistake would otherwise be silently without effect. */
export function unknownSettings(
  env: Environment = process.env,
): { env: string; suggestion: string | null }[] {
  const known = declaredSettings().map(({ setting }) => setting.env);
  return Object.keys(env)
    .filter((name) => name.startsWith('SKEIN_') && !known.includes(name))
    .map((name) => {
      const nearest = known.toSorted((a, b) => distance(name, a) - distance(name, b))[0]!;
      return { env: name, suggestion: distance(name, nearest) <= 4 ? nearest : null };
    });
}

function wordValue(value: unknown): string {
  if (value === null) return 'not set';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
