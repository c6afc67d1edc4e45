/** What a step said from inside of its command. */
export interface WitnessLine {
  planId: string;
  ordinal: number;
  epoch: number;
  attempt: number;
  worker: string;
  /** Which start of that worker. */
  life: number;
  word: string;
}

/** `broken`: lines that nobody of ours can have written. */
export function readWitness(text: string): { lines: WitnessLine[]; broken: string[] } {
  const lines: WitnessLine[] = [];
  const broken: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const match = /^(\S+) s(\d+) (\d+) (\d+) (\w+) (\d+) ([\w-]+)$/.exec(line);
    if (match === null) {
      broken.push(line);
      continue;
    }
    const [, planId, ordinal, epoch, attempt, worker, life, word] = match as unknown as [string, ...string[]];
    lines.push({
      planId: planId!,
      ordinal: Number(ordinal),
      epoch: Number(epoch),
      attempt: Number(attempt),
      worker: worker!,
      life: Number(life),
      word: word!,
    });
  }
  return { lines, broken };
}
