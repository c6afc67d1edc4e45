/** What the triggers say to a program that is older than the last decider. */
export function isTooOld(error: unknown): error is Error {
  return error instanceof Error && (error as { code?: string }).code === 'SK001';
}
