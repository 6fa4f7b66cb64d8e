export type { BackendName } from './arguments.js';
export { checkFixtureData } from './data/table.js';
export type { Mode } from './kinds/kind.js';
export { KIND_NAMES, KINDS } from './kinds/table.js';
export { type Backend, useBackend } from './run/backend.js';
export type { CaseResult, OutputResult } from './run/run-case.js';
export { type RunOptions, type RunReport, runFolder } from './run/run-folder.js';
