import type { AttemptFinished, PlanEvent } from '#domain';
import type { Change, ToldEvent, WatchedPlan } from '../watching/watched-plan.ts';
import { groupName, hasEndedStep, type WatchedStep } from '../watching/watched-step.ts';
import { formatDuration, formatTime } from './duration.ts';
import { escapeText } from './escape.ts';
import { stateStyle, statusStyle } from './states.ts';
import { describeAttempts } from './step-line.ts';
import type { Paint, Style } from './terminal.ts';

/** One thing that happened, for people: a word, what it happened to, and what else is to be said. */
interface News {
  word: string;
  style: Style | null;
  what: string;
  notes: string[];
}

/**
 * For pipes and log files: what an event changed, in one line that begins with its time.
 * `2026-11-20T12:00:05Z    8/14 passed    reports  (2 attempts, 4.0 s)`
 * null for what is no news to a person: that a step got its place in the queue, or that an attempt was accepted just
 * before its step passes.
 */
export function renderEvent(plan: WatchedPlan, told: ToldEvent, change: Change, paint: Paint): string | null {
  // A newer server may send types that are not known here; they match nothing below.
  const event = { type: told.type, data: told.data } as PlanEvent;
  const news = change.step ? newsOfStep(change.step, event) : newsOfPlan(plan, event);
  if (news === null) return null;
  const { done, all } = plan.progress();
  const word = escapeText(news.word).padEnd(9);
  const notes = news.notes.filter((note) => note !== '').map(firstLine);
  return [
    paint('dim', timeOf(told)),
    `${done}/${all}`.padStart(7),
    news.style === null ? word : paint(news.style, word),
    escapeText(news.what) + (notes.length > 0 ? `  (${notes.join(', ')})` : ''),
  ].join(' ');
}

/** The end of the plan has all of a reason; here is one line for what happened. */
function firstLine(note: string): string {
  const [first = '', ...more] = note.split('\n');
  return `${escapeText(first)}${more.length > 0 ? ' …' : ''}`;
}

function newsOfStep(step: WatchedStep, event: PlanEvent): News | null {
  switch (event.type) {
    case 'step.admitted':
    case 'report.published':
      return null;
    case 'attempt.finished':
      return event.data.verdict === 'accepted' ? null : newsOfRejection(step, event.data);
    default:
      return { word: step.state, style: stateStyle(step.state), what: step.name, notes: notesOf(step) };
  }
}

function newsOfRejection({ name, attemptsMax }: WatchedStep, attempt: AttemptFinished): News {
  const which = `attempt ${attempt.attempt}${attemptsMax === null ? '' : ` of ${attemptsMax}`}`;
  const notes = [which, formatDuration(attempt.durationMs), attempt.reason.message];
  return { word: 'rejected', style: 'yellow', what: name, notes };
}

function notesOf(step: WatchedStep): string[] {
  const attempts = describeAttempts(step);
  if (step.state === 'sleeping') return [step.untilMs === null ? '' : `until ${formatTime(step.untilMs)}`];
  // What was wrong with the attempt before was told when it was rejected.
  if (step.state === 'running') return [step.attempts > 0 ? attempts : ''];
  if (!hasEndedStep(step)) return [attempts, step.reason ?? ''];
  const took =
    step.startedMs === null || step.endedMs === null ? '' : formatDuration(step.endedMs - step.startedMs);
  // What passed has nothing to say, but for a baseline that is not green.
  return [attempts, took, step.reason ?? ''];
}

function newsOfPlan(plan: WatchedPlan, event: PlanEvent): News | null {
  switch (event.type) {
    case 'plan.expanded':
    case 'steps.expanded': {
      const groups = [...new Set(event.data.steps.map(({ name }) => groupName(name)))];
      const what = groups.length === 1 ? groups[0]! : plan.name;
      return { word: 'expanded', style: null, what, notes: [`${event.data.steps.length} steps`] };
    }
    case 'integration.accepted':
    case 'integration.published': {
      const { branch, sha, state } = plan.integration ?? { branch: '', sha: '', state: '' };
      return { word: state, style: 'green', what: `branch ${branch} at ${sha.slice(0, 12)}`, notes: [] };
    }
    case 'plan.paused':
      return { word: 'paused', style: 'yellow', what: plan.name, notes: [plan.paused ?? ''] };
    case 'plan.resumed':
    case 'plan.reopened':
      return {
        word: event.type.slice('plan.'.length),
        style: null,
        what: plan.name,
        notes: [`by ${event.data.by.name}`, event.data.why ?? ''],
      };
    case 'plan.completed':
    case 'plan.halted':
    case 'plan.cancelled':
      return {
        word: plan.status,
        style: statusStyle(plan.status),
        what: plan.name,
        notes: [plan.reason ?? ''],
      };
    default:
      return null;
  }
}

function timeOf({ at }: ToldEvent): string {
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? escapeText(at) : formatTime(ms);
}
