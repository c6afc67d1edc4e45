declare module 'fs-native-extensions' {
  /** An exclusive lock on the open file (Linux: open file description lock; macOS: flock). False when another has it. */
  export function tryLock(fd: number): boolean;
  export function unlock(fd: number): void;
}
