import Supernet

extension SupernetShape {
    /// As texts for the metadata of a file.
    public var metadata: [String: String] {
        [
            "space": space, "channels": "\(channels)", "cells": "\(cells)", "classes": "\(classes)",
            "input_channels": "\(inputChannels)", "size": "\(imageSize)",
        ]
    }

    /// The shape of the supernet in a file, read off its tensors' names and shapes; nil when they are those of no space
    /// known here.
    ///
    /// - Parameters:
    ///   - file: of ours or saved from PyTorch's code.
    ///   - imageSize: for files whose metadata do not tell it; no tensor depends on it.
    ///   - stemMultiplier: channels of a DARTS stem, in channels of the first cell's nodes.
    public init?(of file: SafetensorsFile, imageSize: Int, stemMultiplier: Int = 3) {
        func shape(_ name: String) -> [Int]? {
            (file.tensors[name] ?? file.tensors["module." + name]).map(\.shape)
        }
        guard let stem = shape("stem.0.weight"), stem.count == 4, let classifier = shape("classifier.weight"),
            classifier.count == 2
        else { return nil }
        let names = file.tensors.keys.lazy.map { $0.hasPrefix("module.") ? $0.dropFirst("module.".count) : $0[...] }
        let cellNames = names.filter { $0.hasPrefix("cells.") }
        let indices = Set(cellNames.compactMap { Int($0.dropFirst("cells.".count).prefix { $0 != "." }) })
        guard let last = indices.max(), last == indices.count - 1 else { return nil }
        let space: String
        let (channels, cells): (Int, Int)
        if cellNames.contains(where: { $0.hasPrefix("cells.0.edges.") }), indices.count >= 5,
            (indices.count - 2) % 3 == 0
        {
            (space, channels, cells) = ("nasbench201", stem[0], (indices.count - 2) / 3)
        } else if cellNames.contains(where: { $0.hasPrefix("cells.0._ops.") }) {
            let stated = file.metadata["channels"].flatMap { Int($0) }
            guard stated != nil || stem[0] % stemMultiplier == 0 else { return nil }
            (space, channels, cells) = ("darts", stated ?? stem[0] / stemMultiplier, indices.count)
        } else {
            return nil
        }
        self.init(
            space: file.metadata["space"] ?? space, channels: channels, cells: cells, classes: classifier[0],
            inputChannels: stem[1], imageSize: file.metadata["size"].flatMap { Int($0) } ?? imageSize)
    }
}
