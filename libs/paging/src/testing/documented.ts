import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '../../../../docs/paging.md');

export type Check = (header: string, body: string | Buffer, secret: string, now?: number) => boolean;

/** How docs/paging.md tells receivers to check a signature, as they would copy it. */
export async function documentedCheck(): Promise<Check> {
  const code = await block('js');
  const module = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { isFromSkein: Check };
  return module.isFromSkein;
}

/** The example of a body. */
export function documentedBody(): Promise<string> {
  return block('json');
}

async function block(language: string): Promise<string> {
  const page = await readFile(PAGE, 'utf8');
  const found = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(page)?.[1];
  if (found === undefined) throw new Error(`docs/paging.md has no block of ${language}`);
  return found;
}
