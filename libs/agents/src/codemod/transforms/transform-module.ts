import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { chooseParser, type SourceParser } from './source-parser.ts';
import { MODULE_NAME, thrownText } from './thrown.ts';
import type { TransformParser } from './transform-job.ts';

/** The text is no transform. It is the plan's: no further attempt can help. */
export class TransformModuleError extends Error {
  readonly code = 'TRANSFORM_MODULE';
  readonly retry = 'never';

  constructor(message: string) {
    super(message);
    this.name = 'TransformModuleError';
  }
}

export interface Transform {
  run: (file: { path: string; source: string }, api: object, options: object) => unknown;
  /** The plan's parser, unless the module exports one. */
  parser: SourceParser;
}

const MESSAGE_MAX = 2_000;

/**
 * Loads the module as jscodeshift's own runner does: `import`, `export`, TypeScript and Flow types are translated
 * by Babel, `require` finds jscodeshift and what it brings. Throws TransformModuleError.
 */
export function loadTransform(text: string, parser: TransformParser): Transform {
  const exported = evaluate(translate(text));
  const named = (exported ?? {}) as { default?: unknown; parser?: unknown };
  const run = typeof named.default === 'function' ? named.default : exported;
  if (typeof run !== 'function') {
    throw new TransformModuleError(
      'it exports no function: write `module.exports = (file, api, options) => ...` or `export default`',
    );
  }
  return { run: run as Transform['run'], parser: parserOf(named.parser, parser) };
}

function parserOf(exported: unknown, wanted: TransformParser): SourceParser {
  const chosen = chooseParser(exported ?? wanted);
  if (chosen !== null) return chosen;
  throw new TransformModuleError(
    'its export `parser` must be babel, babylon, flow, ts, tsx, or an object with a function `parse`',
  );
}

const require = createRequire(import.meta.url);
const jscodeshiftFolder = dirname(require.resolve('jscodeshift/package.json'));
/** Babel comes with jscodeshift and is not ours to name. */
const requireOfJscodeshift = createRequire(join(jscodeshiftFolder, 'package.json'));

function translate(text: string): string {
  try {
    return compile(text, '@babel/preset-typescript');
  } catch (error) {
    try {
      return compile(text, '@babel/preset-flow');
    } catch {
      throw new TransformModuleError(syntaxMessage(error));
    }
  }
}

interface Babel {
  transformSync(text: string, options: object): { code: string };
}

function compile(text: string, preset: string): string {
  const babel = requireOfJscodeshift('@babel/core') as Babel;
  const resolved = (name: string) => requireOfJscodeshift.resolve(name);
  return babel.transformSync(text, {
    filename: MODULE_NAME.replace(/js$/, 'ts'),
    cwd: '/',
    configFile: false,
    babelrc: false,
    browserslistConfigFile: false,
    sourceType: 'unambiguous',
    retainLines: true,
    presets: [resolved(preset)],
    plugins: [resolved('@babel/plugin-transform-modules-commonjs')],
  }).code;
}

/** Babel shows the place below the first line; the name before it would be ours. */
function syntaxMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^\/transform\.ts: /, '').slice(0, MESSAGE_MAX);
}

interface LooseModule {
  paths: string[];
  filename: string;
  exports: unknown;
  _compile(code: string, filename: string): void;
}

function evaluate(code: string): unknown {
  const Module = require('node:module') as new (id: string) => LooseModule;
  const module = new Module(MODULE_NAME);
  module.filename = MODULE_NAME;
  module.paths = [dirname(jscodeshiftFolder)];
  try {
    module._compile(code, MODULE_NAME);
  } catch (error) {
    throw new TransformModuleError(`it cannot be loaded: ${thrownText(error, MESSAGE_MAX)}`);
  }
  return module.exports;
}
