import { loadSettings } from '#config';
import { textsNamed, type PlanDefinition, type Reason } from '#domain';
import { resolveAt } from '#workspace';
import { lookAtRepository } from './look.ts';
import { previewPlan, resolutionRequest, type PlanPreview } from './preview.ts';

export type PlanResolution = { ok: true; preview: PlanPreview } | { ok: false; reason: Reason };

/**
 * A plan against the base of its repository, by the rules of the `resolve` step; what would block that step is the reason
 * here. Not tried: whether the repository can be pushed to, because nothing is written.
 */
export async function resolvePlan(definition: PlanDefinition): Promise<PlanResolution> {
  const { repo } = definition;
  if (repo === null) return { ok: true, preview: previewPlan(definition, null) };
  const contents = textsNamed(definition.steps).length > 0;
  const request = resolutionRequest(definition, loadSettings().plans.maxSteps);
  try {
    const resolved = await lookAtRepository({ url: repo.url, contents }, async (mirror) =>
      resolveAt(mirror, await mirror.resolve(repo.base), request),
    );
    return { ok: true, preview: previewPlan(definition, resolved) };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    return { ok: false, reason };
  }
}

/** As a worker words it; null for what is no expected failure. */
function reasonOf(error: unknown): Reason | null {
  const { code, retry } = (error ?? {}) as { code?: unknown; retry?: unknown };
  if (!(error instanceof Error) || typeof code !== 'string' || typeof retry !== 'string') return null;
  if (code === 'interrupted') return null;
  return { code: code.toLowerCase().replaceAll('_', '-'), message: error.message };
}
