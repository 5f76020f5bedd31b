export { defineDomainService } from './domain-service.ts';
