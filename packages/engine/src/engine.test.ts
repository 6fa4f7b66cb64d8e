import { expect, it } from 'vitest';
import { currentEngine, type Engine, engineOrNull, setEngine } from './engine.js';
import { EngineError } from './errors.js';

it('says to call useEngine before there is one, and is the one that was set from then on', () => {
  expect(engineOrNull()).toBeNull();
  expect(currentEngine).toThrow(EngineError);
  expect(currentEngine).toThrow("the engine is not running: call 'await useEngine()' first, in this thread");
  const engine = {} as Engine;
  setEngine(engine);
  expect(currentEngine()).toBe(engine);
  expect(engineOrNull()).toBe(engine);
});
