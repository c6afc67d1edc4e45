import type { BenchStack } from '../bench-stack.ts';

export interface Bench {
  /** With its servers; a workload starts what else it needs. */
  stack: BenchStack;
  size: number;
  slots: number;
  /** How long is looked at what goes on by itself. */
  windowS: number;
  say: (line: string) => void;
}

export interface Workload {
  meaning: string;
  defaultSize: number;
  defaultSlots: number;
  /** What is to be seen, and by which figures. */
  run: (bench: Bench) => Promise<object>;
}
