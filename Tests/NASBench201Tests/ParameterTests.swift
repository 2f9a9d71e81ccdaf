import NASBench201
import Supernet
import Testing

@Suite struct ParameterTests {
    @Test(
        "our networks have the parameters of the benchmark's",
        arguments: [
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
            "|nor_conv_1x1~0|+|avg_pool_3x3~0|skip_connect~1|+|none~0|nor_conv_1x1~1|nor_conv_3x3~2|",
            "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
        ])
    func parameters(_ text: String) throws {
        let architecture = try Architecture(parsing: text)
        let genotype = Genotype(
            space: .nasbench201, operations: architecture.operations, kept: architecture.operations.map { _ in true })
        let shape = SupernetShape(
            space: "nasbench201", channels: 16, cells: 5, classes: 10, inputChannels: 3, imageSize: 32)
        let network = try FinalNetwork(genotype, shape: shape, shardImages: 1)
        let expected = Benchmark.entry(for: architecture).parametersMillions
        #expect(abs(Double(network.parameterCount) / 1e6 - expected) < 1e-5, "\(network.parameterCount), \(expected)")
    }
}
