import Checkpoint
import Crypto
import Datasets
import Foundation
import Protocol
import SpaceFiles
import Supernet

/// A reader of bytes from outside, and how a fuzzer's input becomes what it reads.
///
/// Whatever the bytes are, `run` returns; a trap, a leak or too much memory is a defect of the reader.
public enum FuzzTarget: String, CaseIterable, Sendable {
    /// Messages between coordinator and workers.
    case control
    /// Messages between workers.
    case mesh
    /// MNIST's files, plain and gzipped.
    case idx
    /// CIFAR-10's and CIFAR-100's files.
    case cifar
    /// Files of weights.
    case safetensors
    /// Folders of a run's state.
    case checkpoint
    /// Genotypes.
    case genotype
    /// Users' search spaces.
    case space

    /// Whether it writes each input to files before they are read, which takes longer.
    public var writesFiles: Bool {
        switch self {
        case .idx, .cifar, .checkpoint: true
        case .control, .mesh, .safetensors, .genotype, .space: false
        }
    }

    /// Reads an input. Whether it was accepted.
    @discardableResult
    public func run(_ input: [UInt8]) -> Bool {
        do {
            switch self {
            case .control: try FuzzTarget.control(input)
            case .mesh: try FuzzTarget.mesh(input)
            case .idx: try FuzzTarget.idx(input)
            case .cifar: try FuzzTarget.cifar(input)
            case .safetensors: try FuzzTarget.safetensors(input)
            case .checkpoint: try FuzzTarget.checkpoint(input)
            case .genotype: try FuzzTarget.genotype(input)
            case .space: try FuzzTarget.space(input)
            }
            return true
        } catch {
            // Errors are what a reader has for everything it does not like; their texts are made of the input, too.
            _ = "\(error)"
            return false
        }
    }

    /// A message that is taken comes out of the encoder and in again as the same.
    private static func control(_ input: [UInt8]) throws {
        let envelope = try ControlCodec.decode(FuzzInput.parts(input))
        guard let frames = try? ControlCodec.encode(envelope) else { return }
        let again = try ControlCodec.decode(frames)
        // NaN is not equal to itself, but reads the same.
        precondition(again == envelope || "\(again)" == "\(envelope)", "a control message changed on the way")
    }

    private static func mesh(_ input: [UInt8]) throws {
        let envelope = try MeshCodec.decode(FuzzInput.parts(input))
        let again = try MeshCodec.decode(MeshCodec.encode(envelope))
        precondition(again == envelope || "\(again)" == "\(envelope)", "a mesh message changed on the way")
    }

    /// The first part names what is to be: bit 0, gzipped images; bit 1, gzipped labels; bit 2, a limit of one image.
    private static func idx(_ input: [UInt8]) throws {
        let parts = FuzzInput.parts(input)
        let flags = parts.first?.first ?? 0
        let folder = FuzzFolder.shared
        try folder.write([
            ("train-images-idx3-ubyte\(flags & 1 == 0 ? "" : ".gz")", parts.count > 1 ? parts[1] : []),
            ("train-labels-idx1-ubyte\(flags & 2 == 0 ? "" : ".gz")", parts.count > 2 ? parts[2] : []),
        ])
        let dataset = try ImageDataset.load(kind: .mnist, folder: folder.path, limit: flags & 4 == 0 ? nil : 1)
        precondition(dataset.labels.count * 32 * 32 == dataset.pixels.count, "images and labels differ in number")
    }

    /// The first part names what is to be: bit 0, CIFAR-100; bit 1, a file of names; bit 2, a limit of one image.
    private static func cifar(_ input: [UInt8]) throws {
        let parts = FuzzInput.parts(input)
        let flags = parts.first?.first ?? 0
        let isHundred = flags & 1 != 0
        let folder = FuzzFolder.shared
        var files = [(isHundred ? "train.bin" : "data_batch_1.bin", parts.count > 1 ? parts[1] : [])]
        if flags & 2 != 0 {
            files.append((isHundred ? "fine_label_names.txt" : "batches.meta.txt", parts.count > 2 ? parts[2] : []))
        }
        try folder.write(files)
        let dataset = try ImageDataset.load(
            kind: isHundred ? .cifar100 : .cifar10, folder: folder.path, limit: flags & 4 == 0 ? nil : 1)
        precondition(dataset.labels.count * 3072 == dataset.pixels.count, "images and labels differ in number")
    }

    private static func safetensors(_ input: [UInt8]) throws {
        let file = try SafetensorsFile(parsing: input, path: "input")
        for name in file.names {
            _ = try? file.floats(name)
            _ = try? file.integers(name)
        }
    }

    /// The first part is the manifest. If it is empty, the second part's bytes are the numbers of half-steps and
    /// evaluations, and the manifest is made for the files as they are, so that their readers come to see them. The
    /// others are the files.
    private static func checkpoint(_ input: [UInt8]) throws {
        let parts = FuzzInput.parts(input)
        let files = CheckpointInput.fileNames.enumerated().map { place, name in
            (name: name, bytes: parts.count > place + 2 ? parts[place + 2] : [])
        }
        var manifest = parts.first ?? []
        if manifest.isEmpty {
            let numbers = parts.count > 1 ? parts[1] : []
            manifest = CheckpointInput.manifest(
                halfSteps: Int(numbers.first ?? 0), evaluations: Int(numbers.dropFirst().first ?? 0), files: files)
        }
        let folder = FuzzFolder.shared
        try folder.write(files + [("manifest.json", manifest)])
        let description = try CheckpointFolder.verify(folder.path)
        precondition(description.files <= 16, "more files than a checkpoint may have")
    }

    /// A genotype that is taken is read again as the same.
    private static func genotype(_ input: [UInt8]) throws {
        let genotype = try Genotype(parsing: String(decoding: input, as: UTF8.self))
        let again = try Genotype(parsing: genotype.description)
        precondition(again == genotype, "a genotype changed on the way")
    }

    /// A definition that is taken is that of a space.
    private static func space(_ input: [UInt8]) throws {
        let definition = try SpaceFile.parse(String(decoding: input, as: UTF8.self), file: "input")
        let space = try definition.space()
        precondition(space.candidates.allSatisfy { !$0.isEmpty }, "an edge without a choice")
    }
}

/// What a checkpoint is made of.
public enum CheckpointInput {
    /// In the order of an input's parts, after the manifest and the numbers.
    public static let fileNames = [
        "supernet.safetensors", "optimizers.safetensors", "losses.safetensors", "evaluations.json",
    ]
    /// Of the configuration that the corpus' files belong to.
    public static let configurationDigest = String(repeating: "0", count: 64)

    /// A manifest that fits the files.
    public static func manifest(halfSteps: Int, evaluations: Int, files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        let list = files.map { file in
            let sum = SHA256.hash(data: file.bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return #"{"bytes":\#(file.bytes.count),"name":"\#(file.name)","sha256":"\#(sum)"}"#
        }
        let text =
            #"{"configuration_digest":"\#(configurationDigest)","evaluations":\#(evaluations),"files":["#
            + list.joined(separator: ",") + #"],"format":1,"half_steps":\#(halfSteps),"version":"0"}"#
        return Array(text.utf8)
    }
}

/// Several byte strings in one: each has its length before it, three bytes, little-endian; the last one ends with the
/// input, whatever its length says.
public enum FuzzInput {
    public static func parts(_ input: [UInt8]) -> [[UInt8]] {
        var parts: [[UInt8]] = []
        var index = 0
        while index + 3 <= input.count {
            let length = Int(input[index]) | Int(input[index + 1]) << 8 | Int(input[index + 2]) << 16
            let end = min(index + 3 + length, input.count)
            parts.append(Array(input[(index + 3)..<end]))
            index = end
        }
        return parts
    }

    public static func join(_ parts: [[UInt8]]) -> [UInt8] {
        parts.flatMap { part in
            [0, 8, 16].map { UInt8(truncatingIfNeeded: part.count >> $0) } + part
        }
    }
}

/// A folder that holds the files of one input at a time. Used by one thread.
private final class FuzzFolder: Sendable {
    static let shared = FuzzFolder()
    let path: String

    private init() {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("ostr-fuzz-\(getpid())").path
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { FuzzFolder.shared.remove() }
    }

    /// Replaces what is in the folder.
    func write(_ files: [(name: String, bytes: [UInt8])]) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: path) { unlink("\(path)/\(name)") }
        for (name, bytes) in files {
            let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            guard descriptor >= 0, Foundation.write(descriptor, bytes, bytes.count) == bytes.count else {
                fatalError("cannot write into \(path)")
            }
            close(descriptor)
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
