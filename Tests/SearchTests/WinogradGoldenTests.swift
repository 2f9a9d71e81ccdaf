import Search
import Supernet
import Testing

@Suite("PyTorch parity with Winograd convolutions")
struct WinogradGoldenTests {
    @Test("logits, loss and every gradient are PyTorch's, less tightly", arguments: GoldenFile.all(of: "nasbench201"))
    func gradients(golden: GoldenFile) throws {
        try GoldenRun(golden, convolution: .winograd).expectGradients()
    }

    @Test("it is another computation than direct summation", arguments: GoldenFile.all(of: "nasbench201"))
    func differs(golden: GoldenFile) throws {
        let images = try GoldenRun(golden).file.floats("input.images")
        let logits = try [ConvolutionAlgorithm.direct, .winograd].map { convolution in
            let run = try GoldenRun(golden, convolution: convolution)
            _ = run.gradient(.alphas, images: images, labels: try run.labels("input.labels"))
            return run.supernet.logits
        }
        #expect(logits[0] != logits[1])
    }

    @Test("operations have PyTorch's order of strength on every edge", arguments: GoldenFile.all(of: "nasbench201"))
    func order(golden: GoldenFile) throws {
        let run = try GoldenRun(golden, convolution: .winograd)
        let images = try run.file.floats("input.images")
        let labels = try run.labels("input.labels")
        let expected = try run.file.floats("replaced_loss.arch")
        let operations = run.supernet.operations
        for edge in 0..<run.supernet.edges {
            let losses = (0..<operations).map { operation in
                var choices = [EdgeChoice](repeating: .mixed, count: run.supernet.edges)
                choices[edge] = .single(operation)
                return run.supernet.evaluate(images: images, labels: labels, choices: choices).loss
            }
            let row = expected[edge * operations..<(edge + 1) * operations]
            #expect(
                losses.indices.sorted { losses[$0] < losses[$1] }
                    == losses.indices.sorted { row[row.startIndex + $0] < row[row.startIndex + $1] },
                "edge \(edge)")
        }
    }
}
