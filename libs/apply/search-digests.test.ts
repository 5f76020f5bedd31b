import { contactKindsOf, digestOf, searchKey } from './search-digests.ts';

const key = searchKey('a key of the test with 32 characters');

test('one person is found by every spelling of an address or a number', () => {
  expect(digestOf(key, 'email', ' Asha.Rao@Example.com')).toBe(digestOf(key, 'email', 'asha.rao@example.com'));
  const number = digestOf(key, 'phone', '+919876543210');
  for (const spelling of ['9876543210', '09876543210', '00919876543210', '+91 98765-43210', '(+91) 98765 43210'])
    expect(digestOf(key, 'phone', spelling)).toBe(number);
  expect(digestOf(key, 'phone', '9876543211')).not.toBe(number);
});

test('the key and the kind are in the digest, so neither can be tried out without the key', () => {
  expect(digestOf(searchKey('another key of the test, 32 characters'), 'email', 'asha@upi')).not.toBe(
    digestOf(key, 'email', 'asha@upi'),
  );
  expect(digestOf(key, 'email', 'asha@upi')).not.toBe(digestOf(key, 'vpa', 'asha@upi'));
});

test.each([
  ['asha@example.com', ['email', 'vpa']],
  ['+91 98765 43210', ['phone']],
  ['123456', []],
  ['pay_1Aa00000000001', []],
  ['two words@here', []],
  ['', []],
])('%s may be %j', (text, kinds) => expect(contactKindsOf(text)).toEqual(kinds));
