export { Params } from './nn/params.js';
export { type FileLayout, type Init, type ParamKey, type ParamOptions, type ParamSpec, Scope } from './nn/scope.js';
