export type { Precision } from './capi/config-proto.js';
export { type AllReduceOptions, abortAllReduce, allReduce } from './collective/all-reduce.js';
export type { Cluster } from './collective/cluster.js';
export { type Compiled, type CompileOptions, compile } from './compile/index.js';
export type { EngineInfo } from './engine.js';
export { EngineError, type EngineErrorCode } from './errors.js';
export { expectMemory } from './expect-memory.js';
export { type EngineOptions, useEngine } from './use-engine.js';
