import { describeProducts } from './product-cases.ts';

describeProducts(1);
