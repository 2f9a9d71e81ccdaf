import Foundation
import Search
import TestSupport
import Testing

@testable import Checkpoint

/// Rows 8 and 10 of the fault matrix, without processes: power that fails at any call, and files that are damaged.
struct CheckpointFolderTests {
    private func state(_ halfSteps: Int, evaluations: Int = 2) -> SearchState {
        var training = TrainingState(
            weights: (0..<37).map { Float($0) * 0.37 + Float(halfSteps) }, alphas: [0.5, -0.25, .infinity, 3])
        training.appliedHalfSteps = halfSteps
        training.momentum = training.weights.map { -$0 }
        training.adamFirst = [1, 2, 3, 4]
        training.adamSecond = [5, 6, 7, 8]
        let losses = (0..<halfSteps).map {
            LossSum(loss: $0 == 1 ? .infinity : Double($0) / 3, correct: $0, images: 32)
        }
        let tasks = (0..<evaluations).map { number in
            SearchState.Evaluation(
                task: StrengthTask(
                    replacement: number == 0 ? nil : .init(edge: 0, operation: number), decided: [nil, 3],
                    shards: 8..<16),
                losses: [
                    LossSum(loss: 1.0 / 3, correct: 1, images: 8), LossSum(loss: .infinity, correct: 0, images: 8),
                ])
        }
        return SearchState(training: training, losses: losses, skipped: [1], evaluations: tasks)
    }

    private func folder(_ run: TemporaryFolder, operations: FileOperations = .system) -> CheckpointFolder {
        CheckpointFolder(run: run.path, configurationDigest: "c0ffee", version: "0", operations: operations)
    }

    @Test("what was saved is read bit by bit, and two checkpoints are kept")
    func roundTrip() throws {
        let run = try TemporaryFolder()
        #expect(try folder(run).newest() == nil)
        for halfSteps in 3...6 { try folder(run).save(state(halfSteps)) }
        let found = try #require(try folder(run).newest())
        #expect(found.state == state(6))
        #expect(found.rejected.isEmpty)
        let names = try FileManager.default.contentsOfDirectory(atPath: run("checkpoints")).sorted()
        #expect(names == ["00000003", "00000004"])
        let verified = try CheckpointFolder.verify(run.path)
        #expect(verified.halfSteps == 6 && verified.evaluations == 2 && verified.files == 4)
    }

    @Test("so is what an unrolled update keeps between its parts; where some of it is missing, the file is refused")
    func lookAhead() throws {
        let run = try TemporaryFolder()
        var state = state(3)
        let (weights, alphas) = (state.training.weights, state.training.alphas)
        state.training.lookAhead = LookAhead(sections: [weights, weights.map { $0 * 2 }, alphas, alphas.reversed()])
        try folder(run).save(state)
        #expect(try #require(try folder(run).newest()).state == state)
        let files = try state.files(configurationDigest: "c0ffee").map { name, bytes in
            var file = name == "optimizers.safetensors" ? try SafetensorsFile(parsing: bytes) : nil
            file?.tensors["look_ahead_alphas"] = nil
            return (name, file?.encoded() ?? bytes)
        }
        #expect(throws: CheckpointError.self) {
            try SearchState(
                files: Dictionary(uniqueKeysWithValues: files), folder: "", halfSteps: 3, configurationDigest: "c0ffee")
        }
    }

    /// Counts calls; from a certain one on nothing works any more, and what was not synced is lost in part.
    private final class FailingPower: @unchecked Sendable {
        // Used by one thread.
        private var remaining: Int
        private var unsynced: [Int32: String] = [:]
        private(set) var isCut = false

        init(calls: Int) { remaining = calls }

        private func works() -> Bool {
            if remaining == 0, !isCut {
                isCut = true
                for path in unsynced.values {
                    let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
                    truncate(path, off_t(size / 2))
                }
            }
            if isCut {
                errno = EIO
                return false
            }
            remaining -= 1
            return true
        }

        var operations: FileOperations {
            let system = FileOperations.system
            return FileOperations(
                makeFolder: { self.works() ? system.makeFolder($0) : -1 },
                create: { path in
                    guard self.works() else { return -1 }
                    let descriptor = system.create(path)
                    self.unsynced[descriptor] = path
                    return descriptor
                },
                write: { self.works() ? system.write($0, $1) : -1 },
                sync: { descriptor in
                    guard self.works() else { return -1 }
                    self.unsynced[descriptor] = nil
                    return system.sync(descriptor)
                },
                close: { descriptor in
                    let result = system.close(descriptor)
                    return self.works() ? result : -1
                },
                openFolder: { self.works() ? system.openFolder($0) : -1 },
                rename: { self.works() ? system.rename($0, $1) : -1 },
                // Without power nothing is cleared up either.
                remove: { if self.works() { system.remove($0) } })
        }
    }

    @Test("whichever call the power fails at, a whole checkpoint is found: the new one or the one before")
    func powerCut() throws {
        var outcomes: Set<Int> = []
        var calls = 0
        while true {
            let run = try TemporaryFolder()
            for halfSteps in [3, 4] { try folder(run).save(state(halfSteps)) }
            let power = FailingPower(calls: calls)
            let saved = try? folder(run, operations: power.operations).save(state(5))
            let found = try #require(try folder(run).newest(), "power cut at call \(calls)")
            let halfSteps = found.state.training.appliedHalfSteps
            #expect(found.state == state(halfSteps))
            #expect(halfSteps == 4 || halfSteps == 5)
            if saved != nil { #expect(halfSteps == 5, "what was said to be saved is") }
            outcomes.insert(halfSteps)
            // The next process goes on, and leaves nothing of the save that was cut.
            try folder(run).save(state(6))
            #expect(try folder(run).newest()?.state == state(6))
            #expect(try FileManager.default.contentsOfDirectory(atPath: run("checkpoints")).count == 2)
            if !power.isCut { break }
            calls += 1
        }
        #expect(calls > 25 && outcomes == [4, 5], "\(calls) calls")
    }

    @Test(
        "a checkpoint with a flipped bit, a short, missing or foreign file is named, and the one before is used",
        arguments: [
            "supernet.safetensors", "optimizers.safetensors", "losses.safetensors", "evaluations.json", "manifest.json",
        ])
    func damage(file: String) throws {
        let other = try TemporaryFolder()
        try CheckpointFolder(run: other.path, configurationDigest: "decaf", version: "0").save(state(5))
        let changes: [(String, (String) throws -> Void)] = [
            (
                "flipped",
                { path in
                    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
                    bytes[bytes.count / 2] ^= 4
                    try bytes.write(to: URL(fileURLWithPath: path))
                }
            ),
            ("cut", { path in truncate(path, 11) }),
            ("missing", { path in unlink(path) }),
            (
                "foreign",
                { path in
                    unlink(path)
                    try FileManager.default.copyItem(atPath: other("checkpoints/00000001/\(file)"), toPath: path)
                }
            ),
        ]
        for (what, change) in changes {
            // Evaluations of equal runs are equal.
            if what == "foreign", file == "evaluations.json" { continue }
            let run = try TemporaryFolder()
            for halfSteps in [4, 5] { try folder(run).save(state(halfSteps)) }
            let path = run("checkpoints/00000002/\(file)")
            try change(path)
            let found = try #require(try folder(run).newest())
            #expect(found.state == state(4), "\(what)")
            #expect(found.rejected.count == 1 && "\(found.rejected)".contains(file), "\(what): \(found.rejected)")
            if !(what == "foreign" && file == "manifest.json") {
                #expect(throws: CheckpointError.self, "\(what)") { try CheckpointFolder.verify(run.path) }
            }
        }
    }

    @Test("a folder that cannot be written is told, and nothing is left in it")
    func unwritable() throws {
        let run = try TemporaryFolder()
        try run.write([1], to: "checkpoints")
        #expect(throws: CheckpointError.self) { try folder(run).save(state(3)) }
        #expect(run.contents == ["checkpoints"])
    }

    @Test("the writer saves on its own thread, the newest of those that wait, and tells what failed")
    func writer() throws {
        let run = try TemporaryFolder()
        let writer = CheckpointWriter(folder(run)) { _ in }
        for halfSteps in 3...20 { writer.save(state(halfSteps)) }
        writer.finish()
        #expect(try folder(run).newest()?.state == state(20))
        #expect(writer.failure == nil)
        let broken = try TemporaryFolder()
        try broken.write([1], to: "checkpoints")
        let failing = CheckpointWriter(folder(broken)) { _ in }
        failing.save(state(3))
        failing.finish()
        #expect(failing.failure != nil)
    }
}
