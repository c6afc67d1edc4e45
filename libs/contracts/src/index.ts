export * from './subjects.ts';
export * from './messages.ts';
export * from './plan/index.ts';
export * from './expressions/index.ts';
