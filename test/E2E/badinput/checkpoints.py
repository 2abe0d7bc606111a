"""Safetensors files and configurations to damage, made from the small model."""
import json
import os
import shutil


def linkable(scratch, folder, name):
    """A copy on the file system of `scratch`, that hard links can be made of."""
    copy = os.path.join(scratch, "intact", name)
    if not os.path.exists(copy):
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copy(os.path.join(folder, name), copy)
    return copy


def file_of(header, data):
    """The bytes of a file with this header: a dictionary, text or bytes."""
    text = json.dumps(header) if isinstance(header, dict) else header
    head = text.encode() if isinstance(text, str) else text
    return len(head).to_bytes(8, "little") + head + data


class Weights:
    """The tensors of a file: name to (dtype, shape, bytes)."""

    def __init__(self, folder):
        with open(os.path.join(folder, "model.safetensors"), "rb") as file:
            self.bytes = file.read()
        size = int.from_bytes(self.bytes[:8], "little")
        self.header = json.loads(self.bytes[8:8 + size])
        self.data = self.bytes[8 + size:]
        self.tensors = {}
        for name, entry in self.header.items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                self.tensors[name] = (entry["dtype"], entry["shape"], self.data[begin:end])

    def edited(self, name, **fields):
        """The file with fields of one tensor's entry changed, the data as it is."""
        header = {**self.header, name: {**self.header[name], **fields}}
        return file_of(header, self.data)

    def patched(self, name, content):
        """The file with the first bytes of a tensor's data replaced."""
        begin = len(self.bytes) - len(self.data) + self.header[name]["data_offsets"][0]
        return self.bytes[:begin] + content + self.bytes[begin + len(content):]

    @staticmethod
    def packed(tensors):
        """A sound file of these tensors."""
        header, pieces, offset = {}, [], 0
        for name, (dtype, shape, content) in tensors.items():
            header[name] = {"dtype": dtype, "shape": shape,
                            "data_offsets": [offset, offset + len(content)]}
            offset += len(content)
            pieces.append(content)
        return file_of(header, b"".join(pieces))


def json_with(folder, name, **changes):
    """A JSON file of the folder with fields changed; a value None removes the field."""
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        value = json.load(file)
    value.update(changes)
    return json.dumps({key: item for key, item in value.items() if key not in changes or item is not None})


def config_with(folder, **changes):
    """The configuration with fields changed; a value None removes the field."""
    return json_with(folder, "config.json", **changes)
