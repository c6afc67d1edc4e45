import { InvalidArgumentError } from 'commander';
import { escapeText } from '../rendering/escape.ts';

/** For `--param name=value`, which may be given many times. */
export function collectParam(text: string, before: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('expected name=value');
  const name = text.slice(0, at);
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${escapeText(name)} is given twice`);
  return Object.fromEntries([...Object.entries(before), [name, text.slice(at + 1)]]);
}
