import { describePart } from './conformance-part.ts';

describePart(0);
