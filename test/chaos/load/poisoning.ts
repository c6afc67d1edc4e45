import { open, type FileHandle } from 'node:fs/promises';
import type { Program } from '../fleet/program.ts';
import { readWitness } from '../oracle/witness.ts';
import { POISON } from './shapes.ts';

const LOOK_EVERY_MS = 150;

/** Kills each worker that says in the witness file that it runs a poison step. */
export class Poisoning {
  kills = 0;
  private readonly timer: NodeJS.Timeout;
  private readonly workers: Program[];
  private readonly file: FileHandle;
  private offset = 0;
  private rest = '';
  private looking = false;

  private constructor(file: FileHandle, workers: Program[]) {
    this.file = file;
    this.workers = workers;
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  static async start(path: string, workers: Program[]): Promise<Poisoning> {
    return new Poisoning(await open(path, 'r'), workers);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.file.close();
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    const { bytesRead, buffer } = await this.file
      .read(Buffer.alloc(65_536), 0, 65_536, this.offset)
      .catch(() => ({
        bytesRead: 0,
        buffer: Buffer.alloc(0),
      }));
    this.offset += bytesRead;
    const lines = (this.rest + buffer.toString('utf8', 0, bytesRead)).split('\n');
    this.rest = lines.pop()!;
    for (const line of readWitness(lines.join('\n')).lines) if (line.word === POISON) this.killIfAlive(line);
    this.looking = false;
  }

  private killIfAlive({ worker, life }: { worker: string; life: number }): void {
    const program = this.workers.find(({ name }) => name === worker);
    if (program?.life !== life) return;
    this.kills += 1;
    program.kill();
  }
}
