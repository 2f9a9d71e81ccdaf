import Datasets
import Kernels
import Supernet
import Testing
@testable import Search
@Suite struct ZZProbe {
    @Test func scale() throws {
        let betas = (0..<6).map { e in (0..<5).map { o in Philox(seed: 1, purpose: .synthetic).uniform(at: e * 5 + o) } }
        var s = Selection(betas: betas, shards: 1562, options: SelectionOptions())
        var n = 0
        let t = ContinuousClock().measure {
            while let task = s.takeTask() {
                n += 1
                let l = 1 + 0.1 * Double(task.replacement?.operation ?? 0)
                _ = try! s.record(task, losses: task.shards.map { LossSum(loss: l + Double($0 % 7), correct: 1, images: 16) })
            }
        }
        print("PROBE tasks \(n) in \(t), result \(ContinuousClock().measure { _ = s.result })")
    }
    @Test func real() throws {
        let data = try ImageDataset.load(kind: .fashionMNIST, folder: "/usr/share/datasets/fashion-mnist", split: .training, limit: 2000)
        let c = SearchConfiguration(supernet: SupernetShape(space: "nasbench201", channels: 8, cells: 1, classes: 10, inputChannels: 1, imageSize: 32), dataset: .fashionMNIST, datasetDigest: data.digest, epochs: 2, batch: 64, shards: 4, seed: 1)
        let r = try Replica(configuration: c, dataset: data)
        var t0 = ContinuousClock.now
        let o = try LocalSearch.run(configuration: c, replica: r) { e in
            switch e {
            case .epochEnded(let n, let a, let b): print("PROBE", n, a.mean, a.accuracy, b.mean, b.accuracy, ContinuousClock.now - t0); t0 = ContinuousClock.now
            case .edgeDecided(let e, let op): print("PROBE edge", e, op, ContinuousClock.now - t0)
            default: break
            }
        }
        print("PROBE", o.digest, o.selection.supernet, o.selection.operations, o.selection.magnitudeOperations)
        for row in o.selection.rows { print("PROBE", row.edge, row.operation, row.beta, row.lossSum / Double(row.shardsEvaluated * 16), row.shardsEvaluated, row.complete, row.chosen, row.strength ?? 0) }
        let h = r.plan.halfStep(0)
        let hw = r.plan.halfStep(1)
        print("PROBE alphas", ContinuousClock().measure { _ = r.computeShards(0..<4, of: h) { _, _, _ in } }, "weights", ContinuousClock().measure { _ = r.computeShards(0..<4, of: hw) { _, _, _ in } })
        let b = ShardBatch(plan: r.plan, dataset: data)
        print("PROBE load", ContinuousClock().measure { for s in 0..<4 { b.load(shard: s, of: hw) } }, "digest", ContinuousClock().measure { _ = r.stateDigest() })
    }
}
