// What a hierarchy is
export type { EncoderIdentity, HierarchySpec, LevelSpec, Passed, PassSpec } from './spec/spec.ts';
export { resolveSpec, type ResolvedLevel, type ResolvedPass } from './spec/resolve.ts';
