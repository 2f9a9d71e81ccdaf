import Foundation
import Search
import Supernet
import TestSupport
import Testing

@testable import Reporting

@Suite struct RunFolderTests {
    @Test("a folder is made with those above it, once")
    func create() throws {
        let temporary = try TemporaryFolder()
        let path = temporary("runs/deep/one")
        try RunFolder.requireCreatable(path)
        #expect(temporary.contents.isEmpty, "asking leaves nothing")
        let folder = try RunFolder.create(path)
        #expect(folder.file("x") == path + "/x")
        #expect(throws: ReportingError.exists(folder: path)) { try RunFolder.create(path) }
        #expect(throws: ReportingError.exists(folder: path)) { try RunFolder.requireCreatable(path) }
    }

    @Test("a path below a file, or where nothing can be made, is refused before anything is computed")
    func impossible() throws {
        let temporary = try TemporaryFolder()
        let file = try temporary.write(Array("x".utf8), to: "file")
        for path in [file + "/run", "/proc/ostr/run"] {
            let error = #expect(throws: ReportingError.self) { try RunFolder.requireCreatable(path) }
            guard case .cannotCreate(path, _) = error else {
                Issue.record("\(path): \(String(describing: error))")
                continue
            }
        }
    }

    @Test(
        "the folder above a path is found, however the path is written",
        arguments: [
            ("x", "."), ("x/", "."), ("x/y", "x"), ("x//y//", "x"), ("/x", "/"), ("/x/y", "/x"), ("/", "/"),
            ("//", "/"), ("./x", "."), ("../x", ".."), ("", "."), ("ä/ö", "ä"),
        ])
    func parent(_ path: String, _ parent: String) {
        #expect(RunFolder.parent(of: path) == parent)
    }

    @Test("a relative path is looked for in the working folder")
    func relative() throws {
        try RunFolder.requireCreatable("ostr-\(UUID().uuidString)/run")
    }

    @Test("the default path names the time, the space and the data set")
    func defaultPath() {
        let path = RunFolder.defaultPath(space: "nasbench201", dataset: "cifar10", date: Date(timeIntervalSince1970: 0))
        #expect(path.wholeMatch(of: /runs\/(1969|1970)[0-9]{4}-[0-9]{6}-nasbench201-cifar10/) != nil, "\(path)")
    }

    @Test("JSON has sorted keys, and words for what JSON has no numbers for")
    func json() throws {
        let values = ["b": Double.infinity, "a": 1, "c": .nan, "d": -.infinity]
        #expect(try JSONLine.text(values) == #"{"a":1,"b":"Infinity","c":"NaN","d":"-Infinity"}"#)
    }

    @Test("every event is one line of JSON, with its time and its own keys alone")
    func log() throws {
        let temporary = try TemporaryFolder()
        let folder = try RunFolder.create(temporary("run"))
        let log = try RunLog(folder: folder)
        let sum = LossSum(loss: 20, correct: 5, images: 10)
        log.write(.trainingStarted(epochs: 2, stepsPerEpoch: 3), seconds: 0.5)
        log.write(.epochEnded(epoch: 0, training: sum, validation: sum), seconds: 1.25)
        log.write(.selectionStarted(images: 64, edges: 6), seconds: 2)
        log.write(.evaluationsDone(done: 1, total: 2), seconds: 3)
        log.write(.edgeDecided(edge: 0, operation: 4), seconds: 4)
        log.write(.workerJoined(name: "a\"b", count: 1), seconds: 5)
        log.write(.workerLost(name: "w", reason: "silent"), seconds: 6)
        log.write(.message("über"), seconds: 7)
        log.write(error: "gone", seconds: 8)
        let lines = try String(contentsOfFile: folder.file("log.jsonl"), encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 9)
        #expect(lines[0] == #"{"epochs":2,"event":"training_started","seconds":0.5,"steps_per_epoch":3}"#)
        #expect(
            lines[1]
                == #"{"accuracy":0.5,"epoch":0,"event":"epoch_ended","loss":2,"seconds":1.25,"validation_accuracy":0.5,"#
                + #""validation_loss":2}"#)
        #expect(lines[5] == #"{"event":"worker_joined","seconds":5,"worker":"a\"b","workers":1}"#)
        #expect(lines[8] == #"{"event":"failed","seconds":8,"text":"gone"}"#)
        for line in lines { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
        #expect(log.failure == nil)
    }

    @Test("a run that never begins leaves nothing; one that fails later leaves no summary")
    func observer() throws {
        let temporary = try TemporaryFolder()
        let path = temporary("run")
        let configuration = SearchConfiguration(
            supernet: SupernetShape(
                space: "nasbench201", channels: 4, cells: 1, classes: 10, inputChannels: 1, imageSize: 32),
            dataset: .mnist, datasetDigest: "", epochs: 1, batch: 4, shards: 1, seed: 0)
        let silent = Console(descriptor: open("/dev/null", O_WRONLY))
        let observer = RunObserver(
            path: path,
            description: RunDescription(
                command: "search", preset: nil, data: "d", workers: 1, configuration: configuration),
            space: .nasbench201, console: silent)
        observer.observe(.workerJoined(name: "w", count: 1))
        #expect(temporary.contents.isEmpty)
        observer.observe(.trainingStarted(epochs: 1, stepsPerEpoch: 1))
        observer.fail("gone")
        #expect(try FileManager.default.contentsOfDirectory(atPath: path).sorted() == ["config.json", "log.jsonl"])
        let log = try String(contentsOfFile: path + "/log.jsonl", encoding: .utf8)
        #expect(log.split(separator: "\n").count == 3)
        #expect(log.contains("worker_joined"))
    }

    @Test("a configuration's digest changes with every value and with nothing else")
    func configurationDigest() throws {
        var configuration = SearchConfiguration(
            supernet: SupernetShape(
                space: "nasbench201", channels: 4, cells: 1, classes: 10, inputChannels: 1, imageSize: 32),
            dataset: .mnist, datasetDigest: "", epochs: 1, batch: 4, shards: 1, seed: 0)
        let first = try Summary.digest(of: configuration)
        #expect(first.count == 64)
        #expect(try Summary.digest(of: configuration) == first)
        configuration.seed = 1
        #expect(try Summary.digest(of: configuration) != first)
    }
}
