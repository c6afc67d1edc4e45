import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { JsonValue, Reason } from '#domain';

export type Outputs = Record<string, JsonValue>;
export type OutputsVerdict = { ok: true; outputs: Outputs } | { ok: false; reason: Reason };

export const OUTPUTS_BYTES_MAX = 64 * 1024;
/** As deep as plans may be: what reads outputs after us (schemas, JSON itself) recurses. */
export const OUTPUTS_DEPTH_MAX = 32;

/** Judges the text of `$SKEIN_OUTPUTS`; null: the file is missing. Only declared names are kept. */
export function judgeOutputs(text: OutputsText, declared: string[]): OutputsVerdict {
  if (declared.length === 0) return { ok: true, outputs: {} };
  const list = declared.join(', ');
  if (text.kind === 'missing')
    return missing(
      `The step must write a JSON object with ${list} to $SKEIN_OUTPUTS, but there is no such file.`,
    );
  if (text.kind === 'irregular')
    return missing('$SKEIN_OUTPUTS is not a regular file. Write a plain file there.');
  if (text.kind === 'too-large') return tooLarge();
  const value = parse(text.text);
  if (value === null)
    return missing(`The file in $SKEIN_OUTPUTS is not a JSON object. It must hold one with ${list}.`);
  const absent = declared.filter((name) => !Object.hasOwn(value, name));
  if (absent.length > 0) return missing(`The JSON object in $SKEIN_OUTPUTS lacks ${absent.join(', ')}.`);
  const outputs = Object.fromEntries(declared.map((name) => [name, value[name] as JsonValue]));
  if (isDeeper(outputs, OUTPUTS_DEPTH_MAX))
    return missing(`The values in $SKEIN_OUTPUTS are nested deeper than ${OUTPUTS_DEPTH_MAX} levels.`);
  // Not the file's length: as it is sent and recorded, `1e20` has 21 digits.
  if (Buffer.byteLength(JSON.stringify(outputs)) > OUTPUTS_BYTES_MAX) return tooLarge();
  return { ok: true, outputs };
}

/** Level by level and not by recursion: 64 KB of brackets are a tower that no stack takes. */
function isDeeper(value: JsonValue, levels: number): boolean {
  let level: JsonValue[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levels) return true;
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return false;
}

export type OutputsText =
  { kind: 'missing' } | { kind: 'irregular' } | { kind: 'too-large' } | { kind: 'text'; text: string };

/**
 * The step owns the folder of this file: it may have put a symlink, a pipe or a folder in its place, so nothing is
 * followed and nothing that blocks is read.
 */
export async function readOutputs(path: string): Promise<OutputsText> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return { kind: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'irregular' };
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return { kind: 'irregular' };
    const buffer = Buffer.alloc(OUTPUTS_BYTES_MAX + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    if (bytesRead > OUTPUTS_BYTES_MAX) return { kind: 'too-large' };
    return { kind: 'text', text: buffer.toString('utf8', 0, bytesRead) };
  } finally {
    await file.close();
  }
}

function tooLarge(): OutputsVerdict {
  return missing(
    `What is in $SKEIN_OUTPUTS is larger than ${OUTPUTS_BYTES_MAX} bytes. Outputs are for small values; put large ones into the repository.`,
  );
}

function missing(message: string): OutputsVerdict {
  return { ok: false, reason: { code: 'outputs-missing', message } };
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
