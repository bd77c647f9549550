// Run in the suite's folder, with its results on standard input: prints `kind id passed|failed` for each test
// that is not for browsers only. A test that depends on one that did not pass has not passed.
const { determineTestResult } = await import(`${process.cwd()}/test-engine/lib/results.mjs`)
const { default: suites } = await import(`${process.cwd()}/tests/index.mjs`)

let text = ''
for await (const chunk of process.stdin) text += chunk
const results = JSON.parse(text)

for (const { tests } of suites) {
  for (const { id, kind = 'required', browser_only: isForBrowsers } of tests) {
    if (isForBrowsers) continue
    const symbol = determineTestResult(suites, id, results)[2]
    console.log(kind, id, symbol === '✅' || symbol === 'Y' ? 'passed' : 'failed')
  }
}
