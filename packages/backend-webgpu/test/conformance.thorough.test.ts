import { describePart, parts } from './conformance-part.ts';

for (let part = 1; part < parts; part++) describePart(part);
