export { celExpressions } from './cel-expressions.ts';
export {
  renderArgs,
  type RenderedCommands,
  renderCommands,
  renderEnv,
  renderGlobs,
  renderText,
} from './rendering.ts';
