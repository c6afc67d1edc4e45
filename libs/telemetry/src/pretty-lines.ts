const CONTROL = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;
const HIDDEN_FIELDS = new Set(['level', 'time', 'name', 'msg', 'pid', 'hostname', 'trace_id', 'span_id']);

/** Turns pino's JSON lines into lines for a person at a terminal. */
export class PrettyLines {
  constructor(private readonly destination: { write(line: string): unknown }) {}

  write(line: string): void {
    this.destination.write(`${prettify(line)}\n`);
  }
}

function prettify(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return printable(line.trimEnd());
  }
  const fields = Object.entries(entry)
    .filter(([key]) => !HIDDEN_FIELDS.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const time = String(entry['time']).slice(11, 23);
  const level = String(entry['level']).toUpperCase().padEnd(5);
  return printable([time, level, `${String(entry['name'])}:`, String(entry['msg']), ...fields].join(' '));
}

/** File names and program output reach the log: they must not steer the terminal. */
function printable(text: string): string {
  return text.replace(CONTROL, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`;
  });
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
