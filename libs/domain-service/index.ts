export { defineDomainService, defineQuarantineService } from './domain-service.ts';
export { retryPolicyOf, retryPolicySettings } from './settings.ts';
