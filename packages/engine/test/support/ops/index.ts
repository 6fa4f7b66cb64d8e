import type { OpCase } from '../op-case.js';
import { BINARY, UNARY } from './elementwise.js';
import { NEURAL } from './neural.js';
import { REDUCTIONS } from './reductions.js';
import { SHAPES } from './shapes.js';

/** Every operation whose semantics are compared. */
export const OPS: readonly OpCase[] = [...UNARY, ...BINARY, ...REDUCTIONS, ...SHAPES, ...NEURAL];
