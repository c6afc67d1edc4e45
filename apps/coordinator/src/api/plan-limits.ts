/** How large a plan may be, and whom it may be for, from the settings. A class, so that Nest can inject it. */
export class PlanLimits {
  constructor(
    readonly maxBytes: number,
    readonly maxSteps: number,
    /** `*`: any. */
    readonly tenants: readonly string[] = ['local'],
  ) {}
}
