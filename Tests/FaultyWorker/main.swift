// faulty-worker FAULT --connect ENDPOINT --data FOLDER --name NAME
//
// A worker that does one thing wrong, for the tests of what becomes of it:
//
//   stuck:H      its computation never ends from half-step H on
//   nan:H        its gradient of half-step H is not a number, once
//   inf:H        its gradient of half-step H is infinite, once
//   nan-always:H the same, each time it computes half-step H
//   gradient:H   its images of every shard from half-step H on are brighter: its gradients are wrong, and finite
//   gradient-once:H:S  the same, once, for shard S of half-step H
//   drift:H      its weights change by themselves before half-step H
//   crash:H:S    its process dies when it computes shard S of half-step H
//   crash-sum:H  its process dies in the all-reduce of half-step H, when it has sent the first chunk of a sum and not the next
//   crash-task:E:O  its process dies when it evaluates operation O on edge E
//   wrong:E      its losses of every strength task from the E-th on are a little wrong, and finite
//   slow:M       every strength task takes it M milliseconds longer
//   slow-training:M  every shard of the training takes it M milliseconds longer
//   none         nothing
//
// --mesh ENDPOINT --announce ENDPOINT: where it listens, and where others are told to reach it.
import Datasets
import Foundation
import Protocol
import Search
import Synchronization
import Worker

/// True the first time.
enum Once {
    private static let hasHappened = Atomic<Bool>(false)
    static func happens() -> Bool { !hasHappened.exchange(true, ordering: .relaxed) }
}

/// The first chunk of a sum that came by.
enum FirstChunk {
    private static let start = Atomic<Int>(-1)
    /// Whether the chunk that starts at an element is another one.
    static func differs(from element: Int) -> Bool {
        let (isFirst, first) = start.compareExchange(expected: -1, desired: element, ordering: .relaxed)
        return !isFirst && first != element
    }
}

/// Counts strength tasks, from 1.
enum Evaluations {
    private static let number = Atomic<Int>(0)
    static func count() -> Int { number.wrappingAdd(1, ordering: .relaxed).newValue }
}

@MainActor func value(_ option: String) -> String {
    let arguments = CommandLine.arguments
    guard let place = arguments.firstIndex(of: option), place + 1 < arguments.count else {
        FileHandle.standardError.write(Data("faulty-worker: \(option) is missing\n".utf8))
        exit(64)
    }
    return arguments[place + 1]
}

let words = CommandLine.arguments[1].split(separator: ":").map(String.init)
let numbers = words.dropFirst().compactMap { Int($0) }

var sabotage = Sabotage()
switch words[0] {
case "stuck":
    let when = numbers[0]
    sabotage.beforeShard = { halfStep, _ in while halfStep >= when { sleep(1) } }
case "nan", "nan-always", "inf":
    let (when, always) = (numbers[0], words[0] == "nan-always")
    let value: Float = words[0] == "inf" ? -.infinity : .nan
    sabotage.partialSum = { halfStep, _, _, floats in
        if halfStep == when, always || Once.happens() { floats[floats.count / 2] = value }
    }
case "gradient", "gradient-once":
    let (when, which) = (numbers[0], numbers.count > 1 ? numbers[1] : nil)
    sabotage.images = { halfStep, shard, pixels in
        let isWrong = which.map { halfStep == when && shard == $0 && Once.happens() } ?? (halfStep >= when)
        if isWrong { for place in pixels.indices { pixels[place] += 0.5 } }
    }
case "drift":
    let when = numbers[0]
    sabotage.beforeHalfStep = { halfStep, state in
        if halfStep == when, Once.happens() { state.weights[7] += 0.25 }
    }
case "crash":
    let (when, which) = (numbers[0], numbers[1])
    sabotage.beforeShard = { halfStep, shard in if halfStep == when, shard == which { kill(getpid(), SIGKILL) } }
case "crash-sum":
    let when = numbers[0]
    sabotage.partialSum = { halfStep, _, first, _ in
        guard halfStep == when, FirstChunk.differs(from: first) else { return }
        // The other thread sends meanwhile.
        usleep(50_000)
        kill(getpid(), SIGKILL)
    }
case "crash-task":
    let (edge, operation) = (numbers[0], numbers[1])
    sabotage.evaluated = { task, _ in
        if let it = task.replacement, it == (edge, operation) { kill(getpid(), SIGKILL) }
    }
case "wrong":
    let from = numbers[0]
    sabotage.evaluated = { _, losses in if Evaluations.count() >= from { losses[0].loss *= 0.75 } }
case "slow":
    let time = UInt32(numbers[0]) * 1000
    sabotage.evaluated = { _, _ in usleep(time) }
case "slow-training":
    let time = UInt32(numbers[0]) * 1000
    sabotage.beforeShard = { _, _ in usleep(time) }
case "none": break
default: exit(64)
}

var options = WorkerOptions(coordinator: value("--connect"))
options.name = value("--name")
options.sabotage = sabotage
if CommandLine.arguments.contains("--mesh") {
    options.meshEndpoint = value("--mesh")
    options.announcedMesh = value("--announce")
    options.insecure = true
}
let data = value("--data")
do {
    try WorkerProcess(options: options) { configuration in
        try ImageDataset.load(
            kind: configuration.dataset, folder: data, split: .training, limit: configuration.images)
    }.run()
} catch {
    FileHandle.standardError.write(Data("faulty-worker: \(error)\n".utf8))
    exit(1)
}
