/** What a step said from inside of its command. */
export interface WitnessLine {
  planId: string;
  ordinal: number;
  epoch: number;
  attempt: number;
  worker: string;
  /** Which start of that worker. */
  life: number;
  /** The first 12 digits of the lease's token, as in the names of private refs. */
  token: string;
  word: string;
}

/** `broken`: lines that nobody of ours can have written. */
export function readWitness(text: string): { lines: WitnessLine[]; broken: string[] } {
  const lines: WitnessLine[] = [];
  const broken: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const match = /^(\S+) s(\d+) (\d+) (\d+) (\w+) (\d+) ([0-9a-f]{12}) ([\w-]+)$/.exec(line);
    if (match === null) {
      broken.push(line);
      continue;
    }
    const [, planId, ordinal, epoch, attempt, worker, life, token, word] = match as unknown as [
      string,
      ...string[],
    ];
    lines.push({
      planId: planId!,
      ordinal: Number(ordinal),
      epoch: Number(epoch),
      attempt: Number(attempt),
      worker: worker!,
      life: Number(life),
      token: token!,
      word: word!,
    });
  }
  return { lines, broken };
}
