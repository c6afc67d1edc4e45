/** Of a number, a key's quotes, a comma: near enough. */
const PER_VALUE = 8;

/**
 * About how many characters a value has when it is written out, each alias and template where it is used. Stops
 * counting past `most`: what is shared in memory can stand for terabytes.
 */
export function writtenSize(value: unknown, most: number): number {
  let size = 0;
  const open: unknown[] = [value];
  while (open.length > 0 && size <= most) {
    const one = open.pop();
    size += PER_VALUE;
    if (typeof one === 'string') size += one.length;
    else if (Array.isArray(one)) for (const item of one as unknown[]) open.push(item);
    else if (typeof one === 'object' && one !== null) {
      for (const [key, inner] of Object.entries(one)) {
        size += key.length;
        open.push(inner);
      }
    }
  }
  return size;
}
