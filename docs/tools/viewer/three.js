export {
  AmbientLight, BufferAttribute, BufferGeometry, Color, CylinderGeometry, DirectionalLight, InstancedMesh,
  LineBasicMaterial, LineSegments, Matrix4, MeshLambertMaterial, PerspectiveCamera, Quaternion, Raycaster, Scene,
  SphereGeometry, Vector2, Vector3, WebGLRenderer,
} from "three";
export { OrbitControls } from "three/addons/controls/OrbitControls.js";
