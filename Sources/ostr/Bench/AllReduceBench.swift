import ArgumentParser
import Coordinator
import Foundation
import Kernels
import Reporting
import Transport
import Worker

/// The sum of a gradient over processes, beside what copying the same bytes through the kernel costs.
struct AllReduceBench {
    static let largestMebibytes = 4096

    let workers: Int
    let mebibytes: Int
    let warmup: Int
    let steps: Int

    /// One line of JSON.
    struct Report: Encodable {
        var version = Version.current
        var isa = InstructionSet.own.rawValue
        var work = "allreduce"
        var workers: Int
        var mib: Int
        var steps: Int
        var secondsMin: Double
        var secondsMedian: Double
        /// Largest of all processes.
        var peakRssMib: Int
        /// Bytes that a worker sends in a round, and so receives.
        var bytesPerWorker: Double
        var gigabytesPerSecond: Double
        /// A byte into a socket and out of it again on one core, billions a second.
        var loopbackGbs: Double
        var memcpyGbs: Double
        /// All bytes through the loopback, divided between the cores that there are.
        var boundSeconds: Double
        var ofBound: Double

        enum CodingKeys: String, CodingKey {
            case version, isa, work, workers, mib, steps
            case secondsMin = "seconds_min"
            case secondsMedian = "seconds_median"
            case peakRssMib = "peak_rss_mib"
            case bytesPerWorker = "bytes_per_worker"
            case gigabytesPerSecond = "gigabytes_per_second"
            case loopbackGbs = "loopback_gbs"
            case memcpyGbs = "memcpy_gbs"
            case boundSeconds = "bound_seconds"
            case ofBound = "of_bound"
        }
    }

    /// Starts the processes, and prints.
    func run() throws {
        let seconds = Array(try rounds().dropFirst(warmup)).sorted()
        guard let fastest = seconds.first else { return }
        let loopback = try LoopbackCopy.bytesPerSecond()
        let sent = 2 * Double(mebibytes << 20) * Double(workers - 1) / Double(workers)
        let cores = min(workers, ProcessInfo.processInfo.activeProcessorCount)
        let bound = sent * Double(workers) / loopback / Double(cores)
        let report = Report(
            workers: workers, mib: mebibytes, steps: seconds.count, secondsMin: fastest,
            secondsMedian: seconds[seconds.count / 2], peakRssMib: ProcessUsage.peakBytes(ofChildren: true) >> 20,
            bytesPerWorker: sent, gigabytesPerSecond: sent / fastest / 1e9, loopbackGbs: loopback / 1e9,
            memcpyGbs: LoopbackCopy.memcpyBytesPerSecond() / 1e9, boundSeconds: bound, ofBound: bound / fastest)
        try StandardOutput.print([try JSONLine.text(report)])
    }

    /// Seconds of each round: of the slowest process.
    private func rounds() throws -> [Double] {
        let folder: PrivateFolder
        do throws(TransportError) {
            folder = try PrivateFolder()
        } catch {
            throw Failure(.system, error.description)
        }
        defer { folder.remove() }
        var peers: [PeerProcess] = []
        // Those that are still there, whatever happens, end with their input.
        defer { for peer in peers { peer.end() } }
        for rank in 0..<workers {
            peers.append(
                try PeerProcess(arguments: [
                    "bench", "--work", "allreduce", "--workers", "\(workers)", "--mib", "\(mebibytes)", "--warmup",
                    "\(warmup)", "--steps", "\(steps)", "--peer-rank", "\(rank)", "--peer-folder", folder.path,
                ]))
        }
        let times = try peers.map { try $0.seconds() }
        return (0..<(warmup + steps)).map { round in times.map { $0[round] }.max() ?? 0 }
    }
}

/// What the parent process tells a peer; nobody types these.
struct AllReducePeerOptions: ParsableArguments {
    @Option(name: .customLong("peer-rank"), help: ArgumentHelp(visibility: .hidden))
    var rank: Int?

    @Option(name: .customLong("peer-folder"), help: ArgumentHelp(visibility: .hidden))
    var folder: String?

    /// Runs as one of the processes and prints the seconds of each round.
    func run(rank: Int, workers: Int, mebibytes: Int, rounds: Int) throws {
        guard let folder, (0..<workers).contains(rank) else {
            throw ValidationError("--peer-rank needs --peer-folder, and a rank below --workers.")
        }
        let peer = AllReducePeer(
            rank: rank, worldSize: workers, folder: folder, elements: mebibytes << 18, rounds: rounds)
        var printed = Result<Void, any Error>.success(())
        try peer.run { seconds in printed = Result { try StandardOutput.print([try JSONLine.text(seconds)]) } }
        try printed.get()
    }
}

/// One process of the mesh. It ends when its input does.
private final class PeerProcess {
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    init(arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: LocalCluster.ownExecutable)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            throw Failure(.system, "cannot start \(LocalCluster.ownExecutable): \(error.localizedDescription)")
        }
    }

    /// Waits for its line.
    func seconds() throws -> [Double] {
        var text = Data()
        while !text.contains(UInt8(ascii: "\n")) {
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { break }
            text += more
        }
        guard let seconds = try? JSONDecoder().decode([Double].self, from: text) else {
            throw Failure(.software, "a process of the all-reduce ended without a result")
        }
        return seconds
    }

    func end() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
