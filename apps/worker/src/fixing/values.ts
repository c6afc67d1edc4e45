import type { Reason } from '#domain';

/** As the sandbox has it for one variable; and what leaves room for all others in a program's environment. */
const VALUE_BYTES_MAX = 100_000;
const VALUES_BYTES_MAX = 500_000;

/**
 * What is wrong with the values that commands refer to; null when they can be variables. The names are checked again
 * here: nothing but `SKEIN_VALUE_<n>` may get into an environment this way.
 */
export function valuesProblem(values: Record<string, string>): Reason | null {
  let bytes = 0;
  for (const [name, value] of Object.entries(values)) {
    if (!/^SKEIN_VALUE_\d{1,6}$/.test(name) || typeof value !== 'string')
      return problem(`${JSON.stringify(name.slice(0, 100))} is no variable for the value of an expression`);
    if (value.includes('\0'))
      return problem(`The value of an expression (${name}) holds a NUL character, which no variable can`);
    const length = Buffer.byteLength(value);
    if (length > VALUE_BYTES_MAX)
      return problem(
        `The value of an expression (${name}) has ${length} bytes; a variable takes ${VALUE_BYTES_MAX}`,
      );
    bytes += name.length + length + 2;
  }
  if (bytes <= VALUES_BYTES_MAX) return null;
  return problem(
    `The values of the step's expressions have ${bytes} bytes together; ${VALUES_BYTES_MAX} are taken`,
  );
}

function problem(what: string): Reason {
  return { code: 'values-unusable', message: `${what}. Large values are in the file of $SKEIN_INPUTS.` };
}
