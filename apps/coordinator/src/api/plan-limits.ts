/** How large a plan may be, from the settings. A class, so that Nest can inject it. */
export class PlanLimits {
  constructor(
    readonly maxBytes: number,
    readonly maxSteps: number,
  ) {}
}
