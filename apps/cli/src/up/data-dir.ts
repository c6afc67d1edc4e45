import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Names and passwords that belong to one data directory: made once, readable by its owner only. */
const secretsSchema = z.object({
  version: z.literal(1),
  /** Prefix of everything on NATS; also names the Postgres schema. Random: servers may be shared. */
  namespace: z.string().regex(/^[a-z][a-z0-9]{4,31}$/),
  natsPassword: z.string().min(16),
  /** Of the workers' users, who may do less. */
  workerPassword: z.string().min(16),
});
export type Secrets = z.infer<typeof secretsSchema>;

/** Where everything of one stack on this machine is. */
export class DataDir {
  private constructor(
    readonly path: string,
    readonly secrets: Secrets,
  ) {}

  readonly logs = () => join(this.path, 'logs');
  readonly postgres = () => join(this.path, 'postgres');
  readonly nats = () => join(this.path, 'nats');
  readonly artifacts = () => join(this.path, 'artifacts');
  readonly work = () => join(this.path, 'work');

  /** Makes what is missing. The caller holds the directory's claim: two launchers never do this at once. */
  static async open(path: string): Promise<DataDir> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
    for (const folder of ['logs', 'artifacts', 'work'])
      await mkdir(join(path, folder), { recursive: true, mode: 0o700 });
    return new DataDir(path, await openSecrets(join(path, 'secrets.json')));
  }
}

async function openSecrets(file: string): Promise<Secrets> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return writeSecrets(file);
  }
  try {
    return secretsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new DataDirError(
      file,
      'it is damaged; without it the plans in this directory cannot be found again',
      { cause: error },
    );
  }
}

/** Written whole or not at all: a torn file would lose the ledger's name. */
async function writeSecrets(file: string): Promise<Secrets> {
  const secrets: Secrets = {
    version: 1,
    namespace: `sk${randomBytes(6).toString('hex')}`,
    natsPassword: randomBytes(24).toString('hex'),
    workerPassword: randomBytes(24).toString('hex'),
  };
  const draft = `${file}.new`;
  await using handle = await open(draft, 'w', 0o600);
  await handle.writeFile(`${JSON.stringify(secrets, null, 2)}\n`);
  await handle.sync();
  await rename(draft, file);
  return secrets;
}

export class DataDirError extends Error {
  readonly code = 'data-dir';
  readonly retry = 'never';
  constructor(file: string, why: string, options?: ErrorOptions) {
    super(`${file}: ${why}`, options);
  }
}
